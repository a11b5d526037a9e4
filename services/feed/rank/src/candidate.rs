//! What is ranked, and for whom.

use kernel::{ContentId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{Profile, Tally};

/// How an item came to be a candidate. In the order in which one is preferred as the reason that the viewer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The viewer follows its author.
    Followed,
    /// People whom the viewer follows reacted to it.
    LikedByFollowed,
    /// It has a hashtag that the viewer likes.
    Topic,
    /// It happens near the viewer.
    Near,
    /// Many react to it now, in the viewer's language.
    Trending,
    /// Its author is little known yet.
    NewAuthor,
}

impl Source {
    pub const ALL: [Self; 6] =
        [Self::Followed, Self::LikedByFollowed, Self::Topic, Self::Near, Self::Trending, Self::NewAuthor];
}

/// Who looks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    pub id: UserId,
    pub now: Timestamp,
    pub profile: &'a Profile,
}

/// An item that may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub id: ContentId,
    pub author: UserId,
    /// The beginning of the conversation to which it belongs; itself, when it begins one.
    pub conversation: ContentId,
    pub created_at: Timestamp,
    pub source: Source,
    /// The viewer follows the author, wherever the item was found.
    pub followed: bool,
    /// Whether the viewer may read it: what nobody has said is no.
    pub readable: Option<bool>,
    /// The viewer has seen it, or asked for less of it.
    pub seen: bool,
    /// Hashes of its hashtags.
    pub tags: Vec<u64>,
    /// Whether it is in a language of the viewer; absent when either is unknown.
    pub language: Option<bool>,
    /// How many of those whom the viewer follows reacted to it.
    pub proof: u16,
    pub metres: Option<f32>,
    /// What all viewers did with it.
    pub item: Tally,
    /// What viewers did with its author's items lately.
    pub author_tally: Tally,
}

impl Candidate {
    /// One about which nothing is known but what it is.
    #[must_use]
    pub fn new(id: ContentId, author: UserId, source: Source) -> Self {
        Self {
            id,
            author,
            conversation: id,
            created_at: id.created_at(),
            source,
            followed: source == Source::Followed,
            readable: None,
            seen: false,
            tags: Vec::new(),
            language: None,
            proof: 0,
            metres: None,
            item: Tally::default(),
            author_tally: Tally::default(),
        }
    }
}
