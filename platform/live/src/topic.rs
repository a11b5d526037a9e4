//! Names of streams that clients follow.

use std::fmt;
use std::str::FromStr;

use kernel::{RoomId, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A stream of live events. Text form: the id that it belongs to, which says its kind by its prefix; a person's
/// presence is `presence:` and the person's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// What concerns one person on all devices: rooms joined and left, own read marks, follow requests. Also the
    /// way to steer that person's connections.
    User(UserId),
    /// A room's messages, edits, reactions, receipts and changes of members.
    Room(RoomId),
    /// One person's presence, for those who watch.
    Presence(UserId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a topic: a usr_ or room_ id, or presence: and a usr_ id")]
pub struct TopicError;

impl Topic {
    /// Whether its events are numbered and kept for a while. Presence is only ever the latest.
    #[must_use]
    pub const fn is_numbered(&self) -> bool {
        !matches!(self, Self::Presence(_))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Room(id) => id.fmt(f),
            Self::Presence(id) => write!(f, "presence:{id}"),
        }
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        if let Some(id) = text.strip_prefix("presence:") {
            return id.parse().map(Self::Presence).map_err(|_| TopicError);
        }
        text.parse().map(Self::Room).or_else(|_| text.parse().map(Self::User)).map_err(|_| TopicError)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl From<UserId> for Topic {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<RoomId> for Topic {
    fn from(id: RoomId) -> Self {
        Self::Room(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    #[test]
    fn text_form_comes_back() {
        let user = UserId::new(Timestamp::from_millis(1));
        for topic in [Topic::User(user), Topic::Room(RoomId::new(Timestamp::from_millis(2))), Topic::Presence(user)] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        assert_eq!("post_1".parse::<Topic>(), Err(TopicError));
    }
}
