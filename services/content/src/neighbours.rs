//! What content asks of accounts and of the graph.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{Problem, UserId};
use schemas::accounts::PersonSummary;

use crate::model::Standing;

/// The accounts, as content sees them.
#[async_trait]
pub trait People: Send + Sync {
    /// Whom a path names, by id or by handle.
    async fn find(&self, who: &str) -> Result<Option<UserId>, Problem>;

    /// People by id, all in one round trip. MUST leave out those who are gone: what they published is then not shown.
    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem>;

    /// Who is called what, all in one round trip. Handles are lower case; unknown ones are left out.
    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem>;
}

/// The graph, as content sees it.
#[async_trait]
pub trait Relations: Send + Sync {
    /// How `reader` stands towards each of `people`, all in one round trip and from the present truth, not from a copy.
    /// Whoever is left out is taken for blocked.
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, Standing>, Problem>;
}
