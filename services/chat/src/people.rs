//! What chat asks about people.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{Problem, UserId};
use schemas::accounts::PersonSummary;

/// The accounts and the graph, as chat sees them.
#[async_trait]
pub trait People: Send + Sync {
    /// Whether either blocks the other. MUST be the present truth, not a copy: a block ends a conversation at once.
    async fn blocked(&self, one: UserId, other: UserId) -> Result<bool, Problem>;

    /// Those of `others` with whom there is a block, either way. All in one round trip.
    async fn blocked_among(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, Problem>;

    /// People by id, all in one round trip. MUST leave out those who are gone.
    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem>;

    /// Who is called what, all in one round trip. Handles are lower case; unknown ones are left out.
    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem>;
}
