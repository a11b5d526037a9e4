//! The accounts, as other slices see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Problem, UserId};
use schemas::accounts::PersonSummary;

pub struct People(pub Arc<accounts::Service>);

#[async_trait]
impl graph::People for People {
    async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Problem> {
        Ok(self.0.find(who).await?)
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.0.summaries(ids).await?)
    }
}

#[async_trait]
impl content::People for People {
    async fn find(&self, who: &str) -> Result<Option<UserId>, Problem> {
        Ok(self.0.find(who).await?.map(|person| person.id))
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.0.summaries(ids).await?)
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        Ok(self.0.ids_of(handles).await?)
    }
}
