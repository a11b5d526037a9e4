//! What inboxes ask of content, of accounts and of the graph.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::accounts::PersonSummary;

/// As much of a piece of content as a line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    pub author: UserId,
    pub text: String,
}

/// Content, as inboxes see it.
#[async_trait]
pub trait Contents: Send + Sync {
    /// What of `ids` the viewer may see at this moment. MUST fail rather than show too much.
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashMap<ContentId, Glimpse>, Problem>;
}

/// The accounts and the graph, as inboxes see them.
#[async_trait]
pub trait People: Send + Sync {
    /// Those of `ids` who exist, whom no block hides from the viewer, and whom the viewer does not mute. MUST fail rather than
    /// show too many.
    async fn heard(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem>;
}
