//! What is asked, and what comes back. The contract that every engine keeps.
//!
//! ## What matches
//! A hit satisfies *all* parts of a query that are given. A query with none of them matches every document of its kinds.
//! - **`text`**: every word must be found in the names or in the text, in one of three ways: the same word; the same stem in
//!   the document's language; a typo away. Case and diacritics do not count (`Änne`, `anne`), word order neither. A text
//!   without a word matches nothing. There are no operators and no stop words.
//! - **Typos**: words of up to 2 characters must be right; of 3 to 7 may differ by one edit, longer ones by two. An edit inserts,
//!   deletes or replaces a character or swaps two neighbours. The first character must be right. At most
//!   [`TYPOS_MAX`] different words are tried for one that is asked.
//! - **`prefix`**: a name, or the rest of a name from the start of any of its words, begins with it, case and diacritics
//!   aside. `ada lo` finds `Ada Lovelace`, and so does `love`. A prefix without a word matches nothing.
//! - **Filters**: each is absent (anything goes) or a list of which a document must have one. An empty list matches nothing.
//! - **`area`**: only documents with a place in it; edges belong to it.
//!
//! ## Order
//! Ties, and only ties, are ordered by kind and id. See [`Order`] for each order's sort value.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::document::{Kind, Place};
use crate::language::Language;

/// Most hits of one page.
pub const LIMIT_MAX: usize = 200;
/// Longest text of a query, in characters.
pub const TEXT_CHARS_MAX: usize = 256;
/// Most words of a query's text.
pub const WORDS_MAX: usize = 16;
/// Longest prefix, in characters.
pub const PREFIX_CHARS_MAX: usize = 128;
/// Most values of one filter (the rooms of a viewer, for one).
pub const FILTER_VALUES_MAX: usize = 4096;
/// Most kinds of one query.
pub const KINDS_MAX: usize = 16;
/// Widest radius of an area, in metres: a little more than half way around.
pub const RADIUS_M_MAX: f64 = 20_037_509.0;
/// How many different words of the index are tried for one misspelt word, nearest first.
pub const TYPOS_MAX: usize = 50;

#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// 1 to [`KINDS_MAX`]. A kind that has no live generation yet has no hits.
    pub kinds: Vec<Kind>,
    pub text: Option<String>,
    pub prefix: Option<String>,
    pub filters: Filters,
    pub area: Option<Area>,
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<After>,
    /// 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Whether hits carry fragments.
    pub highlight: bool,
}

impl Query {
    /// Everything of these kinds, newest first: to be narrowed.
    #[must_use]
    pub fn new(kinds: impl Into<Vec<Kind>>, limit: usize) -> Self {
        Self {
            kinds: kinds.into(),
            text: None,
            prefix: None,
            filters: Filters::default(),
            area: None,
            order: Order::Newest,
            after: None,
            limit,
            highlight: false,
        }
    }

    /// Whether it is within the limits. Engines call this first.
    pub fn check(&self) -> Result<(), QueryError> {
        if self.kinds.is_empty() || self.kinds.len() > KINDS_MAX {
            return Err(QueryError::Kinds);
        }
        if self.limit == 0 || self.limit > LIMIT_MAX {
            return Err(QueryError::Limit);
        }
        if let Some(text) = &self.text
            && (text.chars().count() > TEXT_CHARS_MAX || crate::analysis::words(text).count() > WORDS_MAX)
        {
            return Err(QueryError::Text);
        }
        if self.prefix.as_ref().is_some_and(|prefix| prefix.chars().count() > PREFIX_CHARS_MAX) {
            return Err(QueryError::Prefix);
        }
        self.filters.check()?;
        if let Some(area) = &self.area {
            area.check()?;
        }
        if let Some(after) = &self.after {
            after.check(&self.order)?;
        }
        Ok(())
    }
}

/// Each is absent, or lists what a document must have one of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    pub authors: Option<Vec<Uuid>>,
    pub tags: Option<Vec<String>>,
    pub audiences: Option<Vec<String>>,
    pub languages: Option<Vec<Language>>,
    /// Created at this moment or later.
    pub since: Option<Timestamp>,
    /// Created before this moment.
    pub until: Option<Timestamp>,
}

impl Filters {
    fn check(&self) -> Result<(), QueryError> {
        let lengths = [
            self.authors.as_ref().map_or(0, Vec::len),
            self.tags.as_ref().map_or(0, Vec::len),
            self.audiences.as_ref().map_or(0, Vec::len),
            self.languages.as_ref().map_or(0, Vec::len),
        ];
        if lengths.into_iter().any(|length| length > FILTER_VALUES_MAX) { Err(QueryError::Filter) } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Area {
    /// Not farther from `center` than `metres` (0 to [`RADIUS_M_MAX`]) along the great circle, see [`crate::geo::distance_m`].
    /// Poles and the antimeridian are nothing special.
    Within { center: Place, metres: f64 },
    /// Between two parallels and two meridians, in degrees; `west > east` is a box across the antimeridian. Longitudes
    /// count as they were written into the document, also at the poles and at ±180.
    Box { south: f64, west: f64, north: f64, east: f64 },
}

impl Area {
    fn check(&self) -> Result<(), QueryError> {
        let sound = match *self {
            Self::Within { metres, .. } => (0.0..=RADIUS_M_MAX).contains(&metres),
            Self::Box { south, west, north, east } => {
                Place::new(south, west).is_ok() && Place::new(north, east).is_ok() && south <= north
            }
        };
        if sound { Ok(()) } else { Err(QueryError::Area) }
    }
}

/// What comes first, and the sort value behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Best first: how well the words match, times [`crate::rank::recency`] at `now`, times [`crate::rank::popularity`].
    /// Without `now`, age does not count (people, hashtags). How well words match is the engine's matter, with two promises:
    /// all else equal, a name counts more than the text, and the word itself more than a typo. With a prefix, a name that
    /// is exactly the prefix comes before one that only begins with it, if popularity is all that differs.
    /// Without text and prefix all match equally well.
    Relevance { now: Option<Timestamp> },
    /// Shortest way first, in metres; only documents with a place.
    Nearest { from: Place },
    /// Latest `created_at` first, in milliseconds.
    Newest,
}

/// One page. `next` is absent when there was nothing more.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub hits: Vec<Hit>,
    pub next: Option<After>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub kind: Kind,
    pub id: String,
    /// The sort value of the query's order: a score, metres, or milliseconds since 1970.
    pub value: f64,
    /// At most [`crate::highlight::FRAGMENTS_MAX`], names first; empty unless asked for.
    pub fragments: Vec<crate::highlight::Fragment>,
}

impl Hit {
    /// The cursor of what comes after this hit. A caller that drops hits may end its page at any of them.
    #[must_use]
    pub fn after(&self, order: &Order) -> After {
        let now = if let Order::Relevance { now } = order { *now } else { None };
        After {
            order: order.tag(),
            bits: self.value.to_bits(),
            kind: self.kind.name().to_owned(),
            id: self.id.clone(),
            now,
        }
    }
}

/// Where a page ended: the last sort value, kind and id, and the `now` that scores were made with. Goes into a
/// [`kernel::Cursor`] as it is.
///
/// Pages made with it show each document once as long as the documents do not change: exactly so by distance and by
/// time, whatever else is written meanwhile. Scores shift a little with the collection, so that by relevance a
/// document may then be shown twice or passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    #[serde(rename = "o")]
    order: Tag,
    /// A float's bits: decimal text would not come back the same everywhere.
    #[serde(rename = "v")]
    bits: u64,
    #[serde(rename = "k")]
    kind: String,
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
}

impl After {
    #[must_use]
    pub const fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The `now` of the first page: what the next page's [`Order::Relevance`] must have.
    #[must_use]
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    fn check(&self, order: &Order) -> Result<(), QueryError> {
        let now = if let Order::Relevance { now } = order { *now } else { None };
        if self.order == order.tag() && self.now == now && self.value().is_finite() {
            Ok(())
        } else {
            Err(QueryError::After)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Tag {
    #[serde(rename = "r")]
    Relevance,
    #[serde(rename = "d")]
    Nearest,
    #[serde(rename = "t")]
    Newest,
}

impl Order {
    const fn tag(&self) -> Tag {
        match self {
            Self::Relevance { .. } => Tag::Relevance,
            Self::Nearest { .. } => Tag::Nearest,
            Self::Newest => Tag::Newest,
        }
    }
}

/// What is wrong with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("a query names 1 to {KINDS_MAX} kinds")]
    Kinds,
    #[error("a page holds 1 to {LIMIT_MAX} hits")]
    Limit,
    #[error("a text has at most {TEXT_CHARS_MAX} characters and {WORDS_MAX} words")]
    Text,
    #[error("a prefix has at most {PREFIX_CHARS_MAX} characters")]
    Prefix,
    #[error("a filter has at most {FILTER_VALUES_MAX} values")]
    Filter,
    #[error("no such area: a radius is 0 to {RADIUS_M_MAX} metres, a box goes from south to north")]
    Area,
    #[error("the cursor is of another list")]
    After,
}
