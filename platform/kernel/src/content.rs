//! What people make and react to: one identity for six kinds of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::id::{read_text, write_text};
use crate::{Id, Timestamp};

macro_rules! content_kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal, $prefix:literal;)*) => {
        /// The kinds of content. To add one: a line in this table, a member in `schemas/content.schema.json`, and what
        /// `services/content` says under "To add a kind".
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ContentKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl ContentKind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// As it is called in JSON and in the database's text columns.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What its ids begin with. Never changes.
            #[must_use]
            pub const fn prefix(self) -> &'static str {
                match self { $(Self::$kind => $prefix,)* }
            }

            /// As it is kept where rows are many. Never changes, and is never given to another kind.
            #[must_use]
            pub const fn number(self) -> i16 {
                match self { $(Self::$kind => $number,)* }
            }

            #[must_use]
            pub const fn from_number(number: i16) -> Option<Self> {
                match number { $($number => Some(Self::$kind),)* _ => None }
            }
        }
    };
}

content_kinds! {
    /// Text, pictures, a place.
    Post = 1, "post", "post";
    /// One short video.
    Reel = 2, "reel", "reel";
    /// A picture or a short video that is gone after a day.
    Story = 3, "story", "story";
    /// What somebody says below something, comments included.
    Comment = 4, "comment", "cmt";
    Livestream = 5, "livestream", "live";
    /// Something for sale.
    Listing = 6, "listing", "list";
}

impl fmt::Display for ContentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ContentKind {
    type Err = ContentIdError;

    fn from_str(text: &str) -> Result<Self, ContentIdError> {
        Self::ALL.iter().copied().find(|kind| kind.name() == text).ok_or(ContentIdError)
    }
}

/// One piece of content: its kind, and a UUIDv7 that no other piece of any kind has.
///
/// Text form: as [`Id`]'s, with the prefix of the kind. In the database it is two columns, `kind` ([`ContentKind::number`])
/// and `id`; the id alone is a key. Sorts by its time of creation (milliseconds).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentId {
    // First, because it is what the order goes by.
    uuid: Uuid,
    kind: ContentKind,
}

/// Why a text is not the id or the kind of a piece of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a post, reel, story, comment, livestream or listing")]
pub struct ContentIdError;

impl ContentId {
    /// A new id, created at `now`.
    #[must_use]
    pub fn new(kind: ContentKind, now: Timestamp) -> Self {
        Self::from_parts(kind, Id::<Self>::new(now).uuid())
    }

    #[must_use]
    pub const fn from_parts(kind: ContentKind, uuid: Uuid) -> Self {
        Self { uuid, kind }
    }

    /// The smallest id that could have been created at `time`: a bound for range scans.
    #[must_use]
    pub fn floor(kind: ContentKind, time: Timestamp) -> Self {
        Self::from_parts(kind, Id::<Self>::floor(time).uuid())
    }

    #[must_use]
    pub const fn kind(self) -> ContentKind {
        self.kind
    }

    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// The millisecond in which the id was created, as its UUIDv7 carries it.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        Id::<Self>::from_uuid(self.uuid).created_at()
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(f, self.kind.prefix(), self.uuid)
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentId {
    type Err = ContentIdError;

    fn from_str(text: &str) -> Result<Self, ContentIdError> {
        let (prefix, uuid) = read_text(text).ok_or(ContentIdError)?;
        let kind = ContentKind::ALL.iter().copied().find(|kind| kind.prefix() == prefix).ok_or(ContentIdError)?;
        Ok(Self::from_parts(kind, uuid))
    }
}

impl Serialize for ContentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_a_prefix_and_a_number_of_its_own() {
        for kind in ContentKind::ALL.iter().copied() {
            assert_eq!(ContentKind::from_number(kind.number()), Some(kind));
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            let id = ContentId::new(kind, Timestamp::from_millis(5_000));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(serde_json::from_value::<ContentId>(serde_json::json!(id)).unwrap(), id);
            assert_eq!(id.created_at(), Timestamp::from_millis(5_000));
        }
        let prefixes: std::collections::BTreeSet<_> = ContentKind::ALL.iter().map(|kind| kind.prefix()).collect();
        assert_eq!(prefixes.len(), ContentKind::ALL.len());
    }

    #[test]
    fn order_is_the_order_of_creation_whatever_the_kinds() {
        let story = ContentId::new(ContentKind::Story, Timestamp::from_millis(1));
        let post = ContentId::new(ContentKind::Post, Timestamp::from_millis(2));
        assert!(story < post && ContentId::from_parts(ContentKind::Reel, story.uuid()) < post);
    }

    #[test]
    fn other_ids_are_not_content() {
        let digits = "0000000000000000000000001z";
        for wrong in
            ["", "post", "post_", &format!("usr_{digits}"), &format!("post_{digits}0"), &format!("Post_{digits}")]
        {
            assert_eq!(wrong.parse::<ContentId>(), Err(ContentIdError), "{wrong}");
        }
        assert!(format!("cmt_{digits}").parse::<ContentId>().is_ok());
    }
}
