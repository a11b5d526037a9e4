//! The graph, as other slices see it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Problem, UserId};

pub struct Relations(pub Arc<graph::Service>);

#[async_trait]
impl accounts::Relations for Relations {
    async fn view(&self, viewer: UserId, person: UserId) -> Result<Option<accounts::View>, Problem> {
        let view = self.0.view(viewer, person).await?;
        Ok(view.map(|(counts, relation)| accounts::View { counts, relation }))
    }
}

#[async_trait]
impl content::Relations for Relations {
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, content::Standing>, Problem> {
        let found = self.0.standings(reader, people).await?;
        let standing = |it: graph::Standing| content::Standing {
            follows: it.follows,
            blocked: it.blocked,
            close_friend: it.close_friend,
        };
        // The graph leaves out whom there is nothing between; to posts, that would mean blocked.
        Ok(people.iter().map(|person| (*person, standing(found.get(person).copied().unwrap_or_default()))).collect())
    }
}
