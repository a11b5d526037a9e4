//! What content asks of accounts, of the graph, of uploads and of engagement.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, MediaId, Problem, UserId};
use schemas::accounts::PersonSummary;
use schemas::content::{Attachment, Audience};
use schemas::engagement::Engagement;

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

/// What an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Picture,
    Video,
}

/// The uploads, as content sees them.
#[async_trait]
pub trait MediaLibrary: Send + Sync {
    /// Those of `ids` that `owner` uploaded and that are ready to be shown, in one round trip. MUST leave out all others.
    async fn ready(&self, owner: UserId, ids: &[MediaId]) -> Result<HashMap<MediaId, MediaKind>, Problem>;

    /// How readers see uploads, each with the audience of the content that shows it, in one round trip. Who may read that
    /// content has been judged. What is left out is not shown.
    async fn attachments(&self, media: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem>;
}

/// What people did with content, as content shows it.
#[async_trait]
pub trait Engagements: Send + Sync {
    /// Of each of `contents` what all did and what `viewer` did, in a number of round trips that does not depend on how
    /// many there are. What is left out is shown without; so is everything, when this fails.
    async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem>;
}
