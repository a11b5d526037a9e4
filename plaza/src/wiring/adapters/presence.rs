//! The graph and the accounts together, as presence sees them.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{StoreError, UserId};

pub struct PresenceRelations {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
}

#[async_trait]
impl presence::Relations for PresenceRelations {
    async fn between(&self, user: UserId, others: &[UserId]) -> Result<Vec<presence::Relation>, StoreError> {
        let people = async { self.accounts.summaries(others).await.map_err(StoreError::unavailable) };
        let standings = async { self.graph.standings(user, others).await.map_err(StoreError::unavailable) };
        let (people, standings) = tokio::try_join!(people, standings)?;
        let relation = |other: &UserId| {
            let standing = standings.get(other).copied().unwrap_or_default();
            presence::Relation {
                exists: people.contains_key(other),
                blocked: standing.blocked,
                private: people.get(other).is_some_and(|person| person.private),
                follows: standing.follows,
                followed_by: standing.followed_by,
            }
        };
        Ok(others.iter().map(relation).collect())
    }
}
