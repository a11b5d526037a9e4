//! Content, the accounts and the graph, as engagement sees them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use engagement::Seen;
use kernel::{ContentId, Problem, UserId};
use schemas::content::Content;

pub struct EngagementContents(pub Arc<content::Service>);

#[async_trait]
impl engagement::Contents for EngagementContents {
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<Vec<Content>, Problem> {
        Ok(self.0.visible(viewer, ids).await?.contents)
    }

    async fn ancestors(&self, comment: ContentId) -> Result<Vec<ContentId>, Problem> {
        Ok(self.0.ancestors(comment).await?)
    }
}

pub struct EngagementPeople {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
}

#[async_trait]
impl engagement::People for EngagementPeople {
    async fn seen(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, Seen>, Problem> {
        let people = async { self.accounts.summaries(ids).await.map_err(Problem::from) };
        let standings = async { self.graph.standings(viewer, ids).await.map_err(Problem::from) };
        let (people, standings) = tokio::try_join!(people, standings)?;
        let seen = people.into_iter().filter_map(|(id, person)| {
            // The graph leaves out nobody whom it was asked for.
            let standing = standings.get(&id)?;
            let is_open = id == viewer || standing.follows || !person.private;
            (!standing.blocked).then_some((id, Seen { person, is_open }))
        });
        Ok(seen.collect())
    }
}
