//! What is searched for: documents, each of a kind and with an id.

use std::fmt;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::language::Language;

/// Longest id of a document, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Most names of a document.
pub const NAMES_MAX: usize = 8;
/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 128;
/// Longest text, in bytes. What mappings make longer they cut themselves ([`cut`]), so that a text never costs its document.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Most tags of a document.
pub const TAGS_MAX: usize = 64;
/// Longest tag or audience, in bytes.
pub const TAG_BYTES_MAX: usize = 160;

/// What sort of thing a document is: `"person"`, `"hashtag"`, `"post"`, `"message"`.
///
/// It names folders and indices, therefore: 1 to 32 of `a-z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(&'static str);

impl Kind {
    /// # Panics
    /// When compiled with a name that is not 1 to 32 of `a-z` (kinds are constants).
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 32, "a kind has 1 to 32 letters");
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at].is_ascii_lowercase(), "a kind is of a-z");
            at += 1;
        }
        Self(name)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Which document: ids are unique in their kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: Kind,
    pub id: String,
}

/// One thing that can be found. Written whole, never in part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// 1 to [`ID_BYTES_MAX`] bytes, unique in its kind. The order of ids is that of their bytes.
    pub id: String,
    /// Completed by prefix, and found by full text before the text is: handle, display name, hashtag. Without `@` and `#`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Full text; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// In which language the text is; decides how its words are stemmed. `None`: found by whole words only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Found by exactly these; compared byte by byte (fold case before).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Uuid>,
    /// Who may see it, coarsely: `"public"`, `"followers"`, `"room:<uuid>"`. Not empty. Whoever shows a hit still asks its slice.
    pub audience: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How much it is liked, followed or used: finite, 0 or more.
    #[serde(default)]
    pub popularity: f64,
    pub created_at: Timestamp,
}

/// Why a document cannot be held. Its mapping is at fault; the document goes to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the id is empty or longer than {ID_BYTES_MAX} bytes")]
    Id,
    #[error("more than {NAMES_MAX} names")]
    TooManyNames,
    #[error("a name is longer than {NAME_CHARS_MAX} characters")]
    Name,
    #[error("the text is longer than {TEXT_BYTES_MAX} bytes")]
    Text,
    #[error("more than {TAGS_MAX} tags")]
    TooManyTags,
    #[error("a tag is empty or longer than {TAG_BYTES_MAX} bytes")]
    Tag,
    #[error("the audience is empty or longer than {TAG_BYTES_MAX} bytes")]
    Audience,
    #[error("the popularity is negative or not a number")]
    Popularity,
}

impl Document {
    /// Whether an engine can hold it. Engines call this; a mapping's test may.
    pub fn check(&self) -> Result<(), Unfit> {
        check_id(&self.id)?;
        if self.names.len() > NAMES_MAX {
            return Err(Unfit::TooManyNames);
        }
        if self.names.iter().any(|name| name.chars().count() > NAME_CHARS_MAX) {
            return Err(Unfit::Name);
        }
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(Unfit::Text);
        }
        if self.tags.len() > TAGS_MAX {
            return Err(Unfit::TooManyTags);
        }
        if self.tags.iter().any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
            return Err(Unfit::Tag);
        }
        if self.audience.is_empty() || self.audience.len() > TAG_BYTES_MAX {
            return Err(Unfit::Audience);
        }
        if !self.popularity.is_finite() || self.popularity < 0.0 {
            return Err(Unfit::Popularity);
        }
        Ok(())
    }

    /// The same for equal documents, on every machine and in every release: what `verify` compares.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // JSON of a struct has its fields in the order of their declaration, and writes a float in one way only.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(&bytes);
        digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

pub(crate) fn check_id(id: &str) -> Result<(), Unfit> {
    if id.is_empty() || id.len() > ID_BYTES_MAX { Err(Unfit::Id) } else { Ok(()) }
}

/// The first `bytes` of a text, cut between characters.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A point on the earth, in degrees (WGS 84, taken for a sphere).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Coordinates")]
pub struct Place {
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
struct Coordinates {
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a latitude is -90 to 90 degrees, a longitude -180 to 180")]
pub struct NowhereError;

impl Place {
    /// Latitude −90 to 90, longitude −180 to 180 (both ends are the same meridian).
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, NowhereError> {
        // Not a number is in no range.
        if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
            Ok(Self { latitude, longitude })
        } else {
            Err(NowhereError)
        }
    }

    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }
}

impl TryFrom<Coordinates> for Place {
    type Error = NowhereError;

    fn try_from(at: Coordinates) -> Result<Self, NowhereError> {
        Self::new(at.latitude, at.longitude)
    }
}
