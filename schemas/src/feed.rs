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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Why {
    /// I follow its author.
    Followed,
    /// I wrote it.
    Own,
    /// People whom I follow reacted to it, shared it or commented on it.
    LikedByFollowed { people: u32 },
    /// It has a hashtag of which I like to see more than of others.
    Topic { hashtag: String },
    /// It was made near the place that I named.
    Near { distance_m: u32 },
    /// Many react to it now.
    Trending,
    /// Its author is little known yet.
    NewAuthor,
}

/// What somebody's feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedChoice {
    /// What is likely to interest them.
    #[default]
    Ranked,
    /// What those whom they follow publish, newest first.
    Following,
}

/// How somebody wants their feed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedPreferences {
    pub feed: FeedChoice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Latitude, longitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedPreferencesGiven {
    pub feed: FeedChoice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<String>,
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
    FeedPreferences,
    FeedPreferencesGiven,
    StoryTray,
    TrayEntry,
    Why,
    WhyFollowed = Why,
    WhyLikedByFollowed = Why,
    WhyNear = Why,
    WhyNewAuthor = Why,
    WhyOwn = Why,
    WhyTopic = Why,
    WhyTrending = Why,
}
