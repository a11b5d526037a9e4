//! Where a page of a search ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use index::After;
use kernel::{Cursor, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::Error;
use crate::model::Wish;

/// How much of the signature a cursor carries, in bytes.
const MAC_BYTES: usize = 16;

/// A place in the results of one search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// When the first page was asked for: ages are told from then on all pages, so that nothing changes its place meanwhile.
    #[serde(rename = "n", with = "millis")]
    pub now: Timestamp,
    /// How far each leg has come.
    #[serde(rename = "l")]
    pub legs: Vec<At>,
}

/// Shorter than as text: the longest cursor has little room left.
mod millis {
    use kernel::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        time.as_millis().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// How far one leg of a search has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum At {
    #[serde(rename = "s")]
    Start,
    #[serde(rename = "a")]
    After(After),
    #[serde(rename = "e")]
    End,
}

/// Signs cursors, so that they are ours, this viewer's, and this search's.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub fn seal(&self, viewer: UserId, wish: &Wish, position: &Position) -> Cursor {
        // Our own types always serialise.
        let payload = serde_json::to_vec(position).unwrap_or_default();
        let mut sealed = self.mac(viewer, wish, &payload).finalize().into_bytes()[..MAC_BYTES].to_vec();
        sealed.extend(payload);
        Cursor::from(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// # Errors
    /// [`Error::Cursor`], when it was not made by [`Signer::seal`] for the same viewer and search.
    pub fn open(&self, viewer: UserId, wish: &Wish, cursor: &Cursor) -> Result<Position, Error> {
        if cursor.as_str().len() > Cursor::LENGTH_MAX {
            return Err(Error::Cursor);
        }
        let sealed = URL_SAFE_NO_PAD.decode(cursor.as_str()).map_err(|_| Error::Cursor)?;
        let (mac, payload) = sealed.split_at_checked(MAC_BYTES).ok_or(Error::Cursor)?;
        self.mac(viewer, wish, payload).verify_truncated_left(mac).map_err(|_| Error::Cursor)?;
        serde_json::from_slice(payload).map_err(|_| Error::Cursor)
    }

    fn mac(&self, viewer: UserId, wish: &Wish, payload: &[u8]) -> Hmac<Sha256> {
        let wish = serde_json::to_vec(wish).unwrap_or_default();
        let mut mac = self.0.clone();
        mac.update(viewer.uuid().as_bytes());
        mac.update(&(wish.len() as u64).to_be_bytes());
        mac.update(&wish);
        mac.update(payload);
        mac
    }
}

#[cfg(test)]
mod tests {
    use index::{Hit, Kind, Order};

    use super::*;
    use crate::model::{Asked, HASHTAG, MESSAGE};

    fn wish(q: &str) -> Wish {
        Wish::parse(Asked { q: Some(q), ..Asked::default() }).unwrap()
    }

    fn after(kind: Kind, id: String, now: Option<Timestamp>) -> At {
        let hit = Hit { kind, id, value: 0.123_456_789_123, fragments: Vec::new() };
        At::After(hit.after(&Order::Relevance { now }))
    }

    /// As long as a position gets: the longest id beside a message's.
    fn longest() -> Position {
        let now = Timestamp::from_millis(1_800_000_000_123);
        let message = format!("{}.{:020}", kernel::RoomId::new(now), u64::MAX);
        let tag = "ä".repeat(index::document::ID_BYTES_MAX / 2);
        Position { now, legs: vec![after(HASHTAG, tag, None), after(MESSAGE, message, Some(now))] }
    }

    #[test]
    fn a_cursor_comes_back_for_the_same_viewer_and_search_only() {
        let (signer, position) = (Signer::new(b"key"), longest());
        let [ada, ben] = [1, 2].map(|ms| UserId::new(Timestamp::from_millis(ms)));
        let cursor = signer.seal(ada, &wish("tea"), &position);
        assert!(cursor.as_str().len() <= Cursor::LENGTH_MAX, "{}", cursor.as_str().len());
        assert_eq!(signer.open(ada, &wish("tea"), &cursor).unwrap(), position);
        assert!(signer.open(ben, &wish("tea"), &cursor).is_err());
        assert!(signer.open(ada, &wish("teas"), &cursor).is_err());
        assert!(Signer::new(b"other").open(ada, &wish("tea"), &cursor).is_err());
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let signer = Signer::new(b"key");
        let ada = UserId::new(Timestamp::from_millis(1));
        let cursor = signer.seal(ada, &wish("tea"), &longest());
        let bytes = URL_SAFE_NO_PAD.decode(cursor.as_str()).unwrap();
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            let changed = Cursor::from(URL_SAFE_NO_PAD.encode(bytes));
            assert!(signer.open(ada, &wish("tea"), &changed).is_err(), "byte {place}");
        }
        for forged in ["", "x", "%%", &"A".repeat(Cursor::LENGTH_MAX), &"A".repeat(Cursor::LENGTH_MAX + 1)] {
            assert!(signer.open(ada, &wish("tea"), &Cursor::from(forged.to_owned())).is_err());
        }
    }
}
