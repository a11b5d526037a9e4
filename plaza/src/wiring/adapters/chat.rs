//! The accounts and the graph together, as chat sees them; and chat, as the graph does.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Problem, UserId};
use schemas::accounts::PersonSummary;

pub struct ChatPeople {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
}

#[async_trait]
impl chat::People for ChatPeople {
    async fn blocked(&self, one: UserId, other: UserId) -> Result<bool, Problem> {
        Ok(self.graph.blocked(one, other).await?)
    }

    async fn blocked_among(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, Problem> {
        Ok(self.graph.blocked_among(one, others).await?)
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.accounts.summaries(ids).await?)
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        Ok(self.accounts.ids_of(handles).await?)
    }
}

pub struct GraphTalk(pub chat::Gates);

#[async_trait]
impl graph::Talk for GraphTalk {
    async fn parted(&self, one: UserId, other: UserId) -> Result<(), Problem> {
        Ok(self.0.parted(one, other).await?)
    }
}
