//! Content, the accounts and the graph, as inboxes see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use notifications::Glimpse;
use schemas::accounts::PersonSummary;

pub struct InboxContents(pub Arc<content::Service>);

#[async_trait]
impl notifications::Contents for InboxContents {
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashMap<ContentId, Glimpse>, Problem> {
        let found = self.0.visible(viewer, ids).await?;
        let glimpse = |content: schemas::content::Content| {
            let text = content.title.unwrap_or(content.text);
            (content.id, Glimpse { author: content.author.id, text })
        };
        Ok(found.contents.into_iter().map(glimpse).collect())
    }
}

pub struct InboxPeople {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
}

#[async_trait]
impl notifications::People for InboxPeople {
    async fn heard(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        let people = async { self.accounts.summaries(ids).await.map_err(Problem::from) };
        let standings = async { self.graph.standings(viewer, ids).await.map_err(Problem::from) };
        let (mut people, standings) = tokio::try_join!(people, standings)?;
        people.retain(|id, _| standings.get(id).is_some_and(|standing| !standing.blocked && !standing.mutes));
        Ok(people)
    }
}
