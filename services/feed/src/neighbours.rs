//! What feeds ask of the graph and of content.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::content::Content;

use crate::model::Entry;

/// What a viewer has to do with an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    pub follows: bool,
    /// The viewer muted the author, or one of the two blocked the other.
    pub hidden: bool,
}

impl Edge {
    /// Whether what the author publishes belongs into the viewer's feed.
    #[must_use]
    pub const fn shows(self) -> bool {
        self.follows && !self.hidden
    }
}

/// The graph, as feeds see it.
#[async_trait]
pub trait Graph: Send + Sync {
    /// What `viewer` has to do with each of `authors`, in one round trip, from the present truth. Whoever is left out is
    /// nobody to the viewer.
    async fn edges(&self, viewer: UserId, authors: &[UserId]) -> Result<HashMap<UserId, Edge>, Problem>;

    /// Up to `limit` followers of `author` whose ids are above `after`, in the order of their ids.
    async fn followers(&self, author: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, Problem>;

    async fn followers_count(&self, author: UserId) -> Result<u64, Problem>;
}

/// What a viewer asked for.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Those that the viewer may read now, in the order asked.
    pub contents: Vec<Content>,
    /// Those that nobody will ever read again.
    pub gone: Vec<ContentId>,
}

/// Content, as feeds see it.
#[async_trait]
pub trait Contents: Send + Sync {
    /// What `viewer` may read of `ids`, judged by what holds now.
    async fn shown(&self, viewer: UserId, ids: &[ContentId]) -> Result<Shown, Problem>;

    /// The newest content of all `authors` together, older than `before`, whoever may read them, in one round trip. Fewer
    /// than `limit` only at the end.
    async fn latest(&self, authors: &[UserId], before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, Problem>;
}
