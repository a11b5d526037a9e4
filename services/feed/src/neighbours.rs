//! What feeds ask of the graph and of content.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use kernel::{ContentId, ContentKind, Problem, Timestamp, UserId};
use schemas::content::Content;

use crate::model::{Area, Entry, Source, Window};

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

/// Some followers of an author, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followers {
    pub first: Vec<UserId>,
    pub count: u64,
}

/// The graph, as feeds see it.
#[async_trait]
pub trait Graph: Send + Sync {
    /// What `viewer` has to do with each of `authors`, in one round trip, from the present truth. Whoever is left out is
    /// nobody to the viewer.
    async fn edges(&self, viewer: UserId, authors: &[UserId]) -> Result<HashMap<UserId, Edge>, Problem>;

    /// Everybody whom `viewer` follows and does not hide ([`Edge::shows`]), in one round trip, from the present truth.
    async fn followed(&self, viewer: UserId) -> Result<Vec<UserId>, Problem>;

    /// Up to `limit` followers of `author` whose ids are above `after`, in the order of their ids.
    async fn followers(&self, author: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, Problem>;

    /// The first `limit` followers of each of `authors`, in the order of their ids, and how many there are of each, in one
    /// round trip. Who has none may be left out.
    async fn followers_of(&self, authors: &[UserId], limit: usize) -> Result<HashMap<UserId, Followers>, Problem>;
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

    /// The newest of all `sources` together within `window`, whoever may read it, in one round trip. Fewer than `limit`
    /// only at the end of the window.
    async fn latest(&self, sources: &[Source], window: Window, limit: usize) -> Result<Vec<Entry>, Problem>;

    /// The stories of `authors` from `since` on, up to `each` of an author, whoever may see them, in one round trip.
    async fn stories(&self, authors: &[UserId], since: Timestamp, each: usize) -> Result<Vec<Entry>, Problem>;

    /// The newest public content of a kind, newest first.
    async fn newest(&self, kind: ContentKind, limit: usize) -> Result<Vec<Entry>, Problem>;

    /// Listings in an area that are older than `before`, whoever may see them, newest first.
    async fn listings_near(&self, area: Area, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, Problem>;
}

/// How something was received by all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reception {
    /// People who saw it.
    pub views: u64,
    /// Whatever people did with it.
    pub acts: u64,
}

/// What people did with content, as trays and pools see it. Both are guesses of what is wanted: when there is no answer,
/// pages are made without.
#[async_trait]
pub trait Receptions: Send + Sync {
    /// Those of `ids` that `viewer` has seen, in one round trip.
    async fn seen(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashSet<ContentId>, Problem>;

    /// How `ids` were received, in one round trip. What is left out was not received at all.
    async fn of(&self, ids: &[ContentId]) -> Result<HashMap<ContentId, Reception>, Problem>;
}
