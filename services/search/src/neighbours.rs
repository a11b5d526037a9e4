//! What search asks of the slices whose things are found.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, RoomId, Timestamp, UserId};
use schemas::accounts::PersonSummary;
use schemas::chat::Message;
use schemas::content::Content;

/// Something that was found, as its slice shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    Person(PersonSummary),
    Hashtag { tag: String, posts: u64 },
    Content(Box<Content>),
    Message(Box<Message>),
}

/// A slice whose things can be found: one for each kind.
#[async_trait]
pub trait Source: Send + Sync {
    /// What `viewer` may see of the things whose documents have these ids, judged by what holds now and not by any copy,
    /// in a number of round trips that does not depend on how many there are. MUST leave out what the viewer may not see,
    /// what is deleted, and what it is not sure of; what is left out is not shown.
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<HashMap<String, Thing>, Problem>;
}

/// What a search names, and what a viewer may look into.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Whom `who` names, by id or handle; nobody, when a block parts the two.
    async fn person(&self, viewer: UserId, who: &str) -> Result<Option<UserId>, Problem>;

    /// The rooms that `viewer` is a member of.
    async fn rooms(&self, viewer: UserId) -> Result<Vec<RoomId>, Problem>;

    /// A hashtag in the form in which hashtags are compared.
    fn hashtag(&self, written: &str) -> Option<String>;
}

/// Who knows how popular things are, and keeps it where their documents are made from.
#[async_trait]
pub trait Popularity: Send + Sync {
    /// Counts who follows these people. MUST keep nothing of people who are gone.
    async fn people(&self, ids: &[UserId]) -> Result<(), Problem>;

    /// Counts what was done with this content. MUST keep nothing of content that is gone.
    async fn contents(&self, ids: &[ContentId]) -> Result<(), Problem>;
}

/// Something public with hashtags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    pub content: ContentId,
    pub author: UserId,
    pub tags: Vec<String>,
    pub text: String,
    pub created_at: Timestamp,
}

/// Content, as trends see it.
#[async_trait]
pub trait TaggedContent: Send + Sync {
    /// It, if it is there, public, and its author's account is not private: by what holds now.
    async fn tagged(&self, content: ContentId) -> Result<Option<Tagged>, Problem>;
}
