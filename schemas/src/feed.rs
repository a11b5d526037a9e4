//! Feeds.

use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;
use crate::content::Content;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    pub content: Content,
    pub why: Why,
}

/// Why an item is in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Why {
    /// I follow its author.
    Followed,
    /// I wrote it.
    Own,
}

/// A person's live stories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrayEntry {
    pub person: PersonSummary,
    /// Oldest first.
    pub stories: Vec<Content>,
    pub unseen: u32,
}

/// The stories of those whom I follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoryTray {
    pub items: Vec<TrayEntry>,
}

crate::types! {
    "feed":
    FeedItem,
    FeedPage = kernel::Page<FeedItem>,
    StoryTray,
    TrayEntry,
    Why,
    WhyFollowed = Why,
    WhyOwn = Why,
}
