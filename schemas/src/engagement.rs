//! What people do with content.

use std::collections::BTreeMap;

use kernel::{ContentId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;
use crate::content::Content;

/// One of a small fixed set, so that clients can draw them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    Like,
    Love,
    Laugh,
    Wow,
    Sad,
    Angry,
}

/// How often what was done, by all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Those that nobody gave are left out.
    pub reactions: BTreeMap<Reaction, u64>,
    pub comments: u64,
    pub shares: u64,
    pub saves: u64,
    pub views: u64,
}

/// What the caller did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    pub saved: bool,
    pub shared: bool,
}

/// What was done with one piece of content, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Engagement {
    pub counts: Counts,
    pub mine: Mine,
}

/// A reaction to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactionSet {
    pub reaction: Reaction,
}

/// A share, with or without words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareSet {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Somebody who reacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactor {
    pub person: PersonSummary,
    pub reaction: Reaction,
    pub at: Timestamp,
}

/// Somebody who shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharer {
    pub person: PersonSummary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub at: Timestamp,
}

/// Something that I saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedItem {
    pub content: Content,
    pub saved_at: Timestamp,
}

/// One impression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    pub content: ContentId,
    /// `X-Request-Id` of the answer that showed it.
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u16>,
    pub dwell_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewBatch {
    pub views: Vec<View>,
}

/// What a person does with content, as events tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Reaction,
    Save,
    Share,
}

/// Business event `engagement.changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngagementChanged {
    pub content: ContentId,
    pub author: UserId,
    pub user: UserId,
    pub what: What,
    /// Of a reaction: which it is now, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Reaction>,
    /// Of a reaction that was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Reaction>,
    /// False: taken back.
    pub on: bool,
    pub at: Timestamp,
}

/// An impression as it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewCounted {
    pub content: ContentId,
    pub author: UserId,
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u16>,
    /// Of this impression so far.
    pub dwell_ms: u32,
    /// Whether this person had not seen it before.
    pub first: bool,
}

/// Business event `content.viewed`: impressions that are new, or lasted longer than was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentViewed {
    pub user: UserId,
    pub views: Vec<ViewCounted>,
    pub at: Timestamp,
}

crate::types! {
    "engagement":
    ContentViewed,
    Counts,
    Engagement,
    EngagementChanged,
    Mine,
    ReactionSet,
    Reactor,
    ReactorPage = kernel::Page<Reactor>,
    SavedItem,
    SavedPage = kernel::Page<SavedItem>,
    ShareSet,
    Sharer,
    SharerPage = kernel::Page<Sharer>,
    View,
    ViewBatch,
    ViewCounted,
}
