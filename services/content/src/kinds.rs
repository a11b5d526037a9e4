//! What each kind of content may have, what of it may be edited, how long it stays, and where it is listed.
//!
//! ## To add a kind
//! A line in `kernel::ContentKind`'s table; its rules here, for which the compiler asks; `<Kind>Create` in
//! `schemas/content.schema.json`, in `schemas::content::ContentCreate` and in `draft.rs`; a column for what only it has
//! (a migration, `model.rs`, `store/row.rs`). Reading, audiences, events, search, feeds and engagement need nothing: they know an
//! id, an author and an audience.

use std::ops::RangeInclusive;
use std::time::Duration;

use kernel::ContentKind;

/// How long a story stays.
pub const STORY_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Pictures and videos of one post or listing.
pub const MEDIA_MAX: usize = 10;

/// What an edit may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Text,
    Audience,
    Place,
    Title,
    State,
    Price,
    Availability,
}

impl Part {
    /// As edits call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Audience => "audience",
            Self::Place => "place",
            Self::Title => "title",
            Self::State => "state",
            Self::Price => "price",
            Self::Availability => "availability",
        }
    }
}

/// What media a kind takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takes {
    pub count: RangeInclusive<usize>,
    /// Nothing but videos.
    pub videos_only: bool,
}

impl Takes {
    const fn upto(most: usize) -> Self {
        Self { count: 0..=most, videos_only: false }
    }
}

/// What is so of a kind of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub edits: &'static [Part],
    pub media: Takes,
    /// From its publication until it is gone.
    pub lifetime: Option<Duration>,
    /// Whether it is listed at its author, with its hashtags, and in feeds. What is not is found where it belongs: comments
    /// below what they are about, stories in the tray; or when it is asked for by its kind.
    pub listed: bool,
}

#[must_use]
pub const fn rules(kind: ContentKind) -> Rules {
    use Part::{Audience, Availability, Place, Price, State, Text, Title};
    match kind {
        ContentKind::Post => {
            Rules { edits: &[Text, Audience, Place], media: Takes::upto(MEDIA_MAX), lifetime: None, listed: true }
        }
        ContentKind::Reel => Rules {
            edits: &[Text, Audience, Place],
            media: Takes { count: 1..=1, videos_only: true },
            lifetime: None,
            listed: true,
        },
        ContentKind::Story => Rules {
            edits: &[Audience],
            media: Takes { count: 1..=1, videos_only: false },
            lifetime: Some(STORY_LIFETIME),
            listed: false,
        },
        ContentKind::Comment => Rules { edits: &[Text], media: Takes::upto(0), lifetime: None, listed: false },
        ContentKind::Livestream => {
            Rules { edits: &[Title, Text, Audience, State], media: Takes::upto(0), lifetime: None, listed: true }
        }
        ContentKind::Listing => Rules {
            edits: &[Title, Text, Audience, Place, Price, Availability],
            media: Takes::upto(MEDIA_MAX),
            lifetime: None,
            listed: true,
        },
    }
}

/// Kinds that are listed without being asked for by their kind.
#[must_use]
pub fn listed() -> Vec<ContentKind> {
    ContentKind::ALL.iter().copied().filter(|kind| rules(*kind).listed).collect()
}
