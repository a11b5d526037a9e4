//! Typed identifiers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{NoContext, Uuid};

use crate::Timestamp;

/// What an [`Id`] points at. The prefix is part of the id's text form and never changes.
pub trait IdKind: 'static {
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {}
        impl IdKind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A person's account.
    User, UserId, "usr";
    /// One device's log-in: lives from log-in to log-out, across many connections.
    Session, SessionId, "ses";
    /// A chat room of any kind.
    Room, RoomId, "room";
    /// A chat message.
    Message, MessageId, "msg";
    /// An uploaded picture or film.
    Media, MediaId, "med";
    /// A line of somebody's notification inbox.
    Notification, NotificationId, "ntf";
    /// A domain event; consumers deduplicate by it.
    Event, EventId, "evt";
}

/// A UUIDv7 that knows what it identifies.
///
/// Text form: the kind's prefix, `_`, and the 128 bits as 26 digits of Crockford's base 32 in lower case. The text
/// sorts as the id does, and the id sorts by its time of creation (milliseconds).
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that looks like {prefix}_ followed by 26 characters")]
pub struct IdError {
    prefix: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// ⌈128 / 5⌉ digits.
const DIGITS: usize = 26;

impl<K> Id<K> {
    /// A new id, created at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let ms = now.as_millis().max(0).unsigned_abs();
        let time = uuid::Timestamp::from_unix(NoContext, ms / 1000, (ms % 1000) as u32 * 1_000_000);
        Self::from_uuid(Uuid::new_v7(time))
    }

    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// The smallest id that could have been created at `time`: a bound for range scans.
    #[must_use]
    pub fn floor(time: Timestamp) -> Self {
        let ms = time.as_millis().max(0).unsigned_abs();
        Self::from_uuid(Uuid::from_u128((u128::from(ms) << 80) | (0x7 << 76) | (0x2 << 62)))
    }

    /// The millisecond in which the id was created, as its UUIDv7 carries it.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        Timestamp::from_millis((self.uuid.as_u128() >> 80) as i64)
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(f, K::PREFIX, self.uuid)
    }
}

/// The text form of an id.
pub(crate) fn write_text(f: &mut fmt::Formatter<'_>, prefix: &str, uuid: Uuid) -> fmt::Result {
    let bits = uuid.as_u128();
    let mut digits = [0u8; DIGITS];
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = ALPHABET[(bits >> (5 * place)) as usize & 31];
    }
    f.write_str(prefix)?;
    f.write_str("_")?;
    f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
}

/// The prefix of an id's text form, and what it says.
pub(crate) fn read_text(text: &str) -> Option<(&str, Uuid)> {
    let (prefix, digits) = text.split_once('_')?;
    if digits.len() != DIGITS {
        return None;
    }
    let mut bits = 0u128;
    for (place, byte) in digits.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|d| *d == byte)?;
        // 26 digits hold 130 bits: the first may use only three of its five.
        if place == 0 && digit > 7 {
            return None;
        }
        bits = (bits << 5) | digit as u128;
    }
    Some((prefix, Uuid::from_u128(bits)))
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match read_text(text) {
            Some((prefix, uuid)) if prefix == K::PREFIX => Ok(Self::from_uuid(uuid)),
            _ => Err(IdError { prefix: K::PREFIX }),
        }
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<K>(PhantomData<fn() -> K>);
        impl<K: IdKind> Visitor<'_> for Text<K> {
            type Value = Id<K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id that begins with {}_", K::PREFIX)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id<K>, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData)).map_err(D::Error::custom)
    }
}

// By hand, because a derive would ask the same of `K`.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_stable_and_sorts_as_the_id_does() {
        let id = UserId::from_uuid(Uuid::from_u128(1 << 5 | 31));
        assert_eq!(id.to_string(), "usr_0000000000000000000000001z");
        assert_eq!(id.to_string().parse(), Ok(id));
        let earlier = RoomId::new(Timestamp::from_millis(1_000));
        let later = RoomId::new(Timestamp::from_millis(2_000));
        assert!(earlier < later);
        assert!(earlier.to_string() < later.to_string());
        assert_eq!(later.created_at(), Timestamp::from_millis(2_000));
        assert!(RoomId::floor(later.created_at()) <= later);
        assert!(RoomId::floor(Timestamp::from_millis(2_001)) > later);
    }

    #[test]
    fn parsing_refuses_other_kinds_and_what_no_id_prints() {
        let id = RoomId::new(Timestamp::from_millis(5));
        assert_eq!(id.to_string().parse::<RoomId>(), Ok(id));
        assert!(id.to_string().parse::<UserId>().is_err());
        for wrong in ["", "room_", "room_zzzzzzzzzzzzzzzzzzzzzzzzzz", &id.to_string()[1..], &format!("{id}0")] {
            assert!(wrong.parse::<RoomId>().is_err(), "{wrong}");
        }
    }
}
