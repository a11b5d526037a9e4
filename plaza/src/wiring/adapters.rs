//! What slices ask of each other, answered.

use std::collections::HashMap;
use std::sync::Arc;

use accounts::{Relations, View};
use async_trait::async_trait;
use kernel::{Problem, UserId};
use schemas::accounts::PersonSummary;

/// What accounts asks about two people.
pub struct AccountRelations(pub Arc<graph::Service>);

#[async_trait]
impl Relations for AccountRelations {
    async fn view(&self, viewer: UserId, person: UserId) -> Result<Option<View>, Problem> {
        let view = self.0.view(viewer, person).await?;
        Ok(view.map(|(counts, relation)| View { counts, relation }))
    }
}

/// What the graph asks about people.
pub struct GraphPeople(pub Arc<accounts::Service>);

#[async_trait]
impl graph::People for GraphPeople {
    async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Problem> {
        Ok(self.0.find(who).await?)
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.0.summaries(ids).await?)
    }
}
