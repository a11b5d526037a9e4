//! Feeds.

use serde::{Deserialize, Serialize};

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

crate::types! {
    "feed":
    FeedItem,
    FeedPage = kernel::Page<FeedItem>,
    Why,
    WhyFollowed = Why,
    WhyOwn = Why,
}
