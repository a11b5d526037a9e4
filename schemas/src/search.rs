//! What is found, and what is talked about.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;
use crate::chat::Message;
use crate::content::Content;

/// Code points `start..end` are why it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Highlight {
    pub start: u32,
    pub end: u32,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Hit {
    Person(PersonFound),
    Hashtag(HashtagFound),
    Content(Box<ContentFound>),
    Message(Box<MessageFound>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFound {
    pub person: PersonSummary,
    pub highlights: Vec<Highlight>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashtagFound {
    pub tag: String,
    /// Public posts that have it, as far as they are counted.
    pub posts: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentFound {
    pub content: Content,
    pub highlights: Vec<Highlight>,
    /// From where the search was near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageFound {
    pub message: Message,
    pub highlights: Vec<Highlight>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completions {
    pub items: Vec<Hit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendingHashtag {
    pub tag: String,
    pub people: u64,
    pub posts: u64,
    pub velocity: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendingHashtags {
    pub items: Vec<TrendingHashtag>,
    pub as_of: Timestamp,
}

crate::types! {
    "search":
    Completions,
    ContentHit = Hit,
    HashtagHit = Hit,
    Highlight,
    Hit,
    HitPage = kernel::Page<Hit>,
    MessageHit = Hit,
    PersonHit = Hit,
    TrendingHashtag,
    TrendingHashtags,
}
