//! What engagement asks of content, of accounts and of the graph.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::accounts::PersonSummary;
use schemas::content::Content;

/// Content, as engagement sees it.
#[async_trait]
pub trait Contents: Send + Sync {
    /// What of `ids` the viewer may see at this moment, in the order asked. MUST fail rather than show too much.
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<Vec<Content>, Problem>;

    /// What a comment stands below: its parent first, then that one's, up to what the thread is about. Also of comments that
    /// were deleted.
    async fn ancestors(&self, comment: ContentId) -> Result<Vec<ContentId>, Problem>;
}

/// A person, as somebody sees them in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub person: PersonSummary,
    /// Whether the viewer reads what this person publishes: the account is open, or followed, or the viewer's own.
    pub is_open: bool,
}

/// The accounts and the graph, as engagement sees them.
#[async_trait]
pub trait People: Send + Sync {
    /// Those of `ids` that exist, and that no block hides from the viewer. MUST fail rather than show too many.
    async fn seen(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, Seen>, Problem>;
}
