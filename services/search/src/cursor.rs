//! Where a page of a search ends.

use index::After;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use cursors::Signer;
    use index::{Hit, Kind, Order};
    use kernel::{Cursor, UserId};

    use super::*;
    use crate::model::{Asked, HASHTAG, MESSAGE, Wish};

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
    fn the_longest_position_fits_into_a_cursor_and_comes_back() {
        let wish = Wish::parse(Asked { q: Some("tea"), ..Asked::default() }).unwrap();
        let (signer, position) = (Signer::new(b"key"), longest());
        let ada = UserId::new(Timestamp::from_millis(1));
        let cursor = signer.seal(ada, &wish, &position);
        assert!(cursor.as_str().len() <= Cursor::LENGTH_MAX, "{}", cursor.as_str().len());
        assert_eq!(signer.open::<Position>(ada, &wish, &cursor).unwrap(), position);
    }
}
