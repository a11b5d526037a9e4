//! Reading the log: single messages, pages, heads.

use std::collections::{BTreeMap, HashMap};

use kernel::{RoomId, StoreError, Timestamp};
use uuid::Uuid;

use super::{Cassandra, PENDING_MAX, bigint, bucket};
use crate::log::{Body, Head, LogError, Message, Span};
use crate::sequencer::Key;

/// Rooms in one statement.
const ROOMS_AT_ONCE: usize = 100;

/// A row as a message; a void row has its place only.
pub(super) fn message(room: RoomId, seq: u64, body: Option<&str>, void: Option<bool>) -> Result<Message, StoreError> {
    let body = match (body, void) {
        // A late write under a number that was given up does not count.
        (_, Some(true)) => Body::void(room, seq),
        (Some(body), _) => serde_json::from_str(body).map_err(StoreError::broken)?,
        (None, _) => return Err(StoreError::broken("a row of the log has no message")),
    };
    Ok(Message { room, seq, body })
}

fn seq_of(bigint: i64) -> Result<u64, StoreError> {
    u64::try_from(bigint).map_err(StoreError::broken)
}

impl Cassandra {
    pub(super) async fn read_one(&self, room: RoomId, seq: u64) -> Result<Option<Message>, LogError> {
        let rows: Vec<(Option<String>, Option<bool>)> =
            self.db.read(&self.statements.one, (room.uuid(), bucket(seq), bigint(seq))).await?;
        let row = rows.into_iter().next().filter(|(body, void)| body.is_some() || void.is_some());
        Ok(row.map(|(body, void)| message(room, seq, body.as_deref(), void)).transpose()?)
    }

    /// The message that a key names, if it is there and was not given up.
    pub(super) async fn find(&self, key: &Key) -> Result<Option<Message>, LogError> {
        let values = (key.room.uuid(), key.sender.uuid(), key.client_id);
        let rows: Vec<(i64,)> = self.db.read(&self.statements.find_key, values).await?;
        let Some((seq,)) = rows.into_iter().next() else { return Ok(None) };
        let message = self.read_one(key.room, seq_of(seq)?).await?;
        let is_it = |message: &Message| {
            message.body.sender == Some(key.sender) && message.body.client_id == Some(key.client_id)
        };
        Ok(message.filter(is_it))
    }

    /// The rows from `first` to `last`, both included, by number.
    pub(super) async fn read_range(
        &self,
        room: RoomId,
        first: u64,
        last: u64,
    ) -> Result<BTreeMap<u64, Message>, LogError> {
        let mut found = BTreeMap::new();
        for bucket in bucket(first)..=bucket(last) {
            let rows: Vec<(i64, Option<String>, Option<bool>)> =
                self.db.read(&self.statements.range, (room.uuid(), bucket, bigint(first), bigint(last))).await?;
            for (seq, body, void) in rows {
                if body.is_some() || void.is_some() {
                    let seq = seq_of(seq)?;
                    found.insert(seq, message(room, seq, body.as_deref(), void)?);
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn read_page(&self, room: RoomId, span: Span, length: u64) -> Result<Vec<Message>, LogError> {
        let head = match span {
            Span::Latest => self.read_heads(&[room]).await?.first().map_or(0, |head| head.seq),
            _ => 0,
        };
        let (first, last) = span.range(head, length);
        // Written messages may lie above the settled head, but not farther than pending ones may.
        let last = last.unwrap_or(head + PENDING_MAX);
        if last < first {
            return Ok(Vec::new());
        }
        let mut found = self.read_range(room, first, last).await?;
        if let Some(hole) = hole(&found, first) {
            // Somebody died, or is about to write. Finish it if it is due, and look again.
            tracing::debug!(%room, hole, "a page meets a hole");
            self.heal_or_warn(room).await;
            found = self.read_range(room, first, last).await?;
        }
        let mut page = Vec::new();
        for (seq, message) in found {
            if seq != first + page.len() as u64 {
                break;
            }
            page.push(message);
        }
        if matches!(span, Span::Latest) {
            let too_many = page.len().saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
            page.drain(..too_many);
        }
        Ok(page)
    }

    pub(super) async fn read_heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, LogError> {
        let settled = match self.sequencer.settled(rooms).await {
            Ok(settled) => settled,
            Err(error) => {
                tracing::debug!(%error, "reading heads from the log itself");
                vec![None; rooms.len()]
            }
        };
        let unknown: Vec<RoomId> =
            rooms.iter().zip(&settled).filter(|(_, head)| head.is_none()).map(|(room, _)| *room).collect();
        let stored = if unknown.is_empty() { HashMap::new() } else { self.stored_heads(&unknown).await? };
        Ok(rooms
            .iter()
            .zip(settled)
            .map(|(room, head)| head.or(stored.get(room).copied()).unwrap_or_default())
            .collect())
    }

    /// The highest row in the log of each room.
    ///
    /// Numbers are dense, so a bucket has rows only if the one before it is full: gallop to an empty bucket, then halve.
    /// Nearly all rooms are found in the first step, all of them in one statement.
    pub(super) async fn stored_heads(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, Head>, LogError> {
        struct Search {
            /// The last bucket known to have rows, and its highest one.
            full: Option<(i32, Head)>,
            /// The first bucket known to be empty.
            empty: Option<i32>,
            probe: i32,
        }
        let mut searches: HashMap<RoomId, Search> =
            rooms.iter().map(|room| (*room, Search { full: None, empty: None, probe: 0 })).collect();
        let mut heads = HashMap::new();
        while !searches.is_empty() {
            let mut by_bucket: BTreeMap<i32, Vec<RoomId>> = BTreeMap::new();
            for (room, search) in &searches {
                by_bucket.entry(search.probe).or_default().push(*room);
            }
            for (bucket, rooms) in by_bucket {
                let newest = self.newest_in(&rooms, bucket).await?;
                for room in rooms {
                    let Some(search) = searches.get_mut(&room) else { continue };
                    match newest.get(&room) {
                        Some(message) => {
                            search.full = Some((bucket, Head { seq: message.seq, at: message.body.created_at }));
                        }
                        None => search.empty = Some(bucket),
                    }
                    search.probe = match (search.full, search.empty) {
                        // Rows in this bucket, and too few of them for the next to have any.
                        (Some((full, head)), _) if super::bucket(head.seq + PENDING_MAX) == full => full,
                        (Some((full, _)), None) => full.saturating_mul(2).max(full + 1),
                        (Some((full, _)), Some(empty)) => full + (empty - full) / 2,
                        (None, _) => -1,
                    };
                    if search.full.map_or(-1, |(full, _)| full) == search.probe {
                        heads.insert(room, search.full.map_or_else(Head::default, |(_, head)| head));
                        searches.remove(&room);
                    }
                }
            }
        }
        Ok(heads)
    }

    /// The highest row of each room in one bucket.
    async fn newest_in(&self, rooms: &[RoomId], bucket: i32) -> Result<HashMap<RoomId, Message>, LogError> {
        let mut newest = HashMap::new();
        for rooms in rooms.chunks(ROOMS_AT_ONCE) {
            let ids: Vec<Uuid> = rooms.iter().map(|room| room.uuid()).collect();
            let rows: Vec<(Uuid, i64, Option<String>, Option<bool>)> =
                self.db.read(&self.statements.newest_of_rooms, (ids, bucket)).await?;
            for (room, seq, body, void) in rows {
                let room = RoomId::from_uuid(room);
                newest.insert(room, message(room, seq_of(seq)?, body.as_deref(), void)?);
            }
        }
        Ok(newest)
    }

    pub(super) async fn read_latest(&self, heads: &[(RoomId, u64)]) -> Result<Vec<Option<Message>>, LogError> {
        let mut by_bucket: BTreeMap<i32, Vec<RoomId>> = BTreeMap::new();
        for (room, head) in heads.iter().filter(|(_, head)| *head > 0) {
            by_bucket.entry(bucket(*head)).or_default().push(*room);
        }
        let mut newest = HashMap::new();
        for (bucket, rooms) in by_bucket {
            newest.extend(self.newest_in(&rooms, bucket).await?);
        }
        Ok(heads.iter().map(|(room, _)| newest.remove(room)).collect())
    }

    /// The highest row of one room's log.
    pub(super) async fn stored_head(&self, room: RoomId) -> Result<Head, LogError> {
        Ok(self.stored_heads(&[room]).await?.get(&room).copied().unwrap_or_default())
    }

    /// Gives a number up, unless its message is there after all.
    pub(super) async fn give_up(&self, room: RoomId, seq: u64) -> Result<bool, LogError> {
        Ok(self.db.write_if(&self.statements.void, (room.uuid(), bucket(seq), bigint(seq))).await?)
    }

    /// Writes a message's key again, as old as the message.
    pub(super) async fn restore_key(&self, message: &Message) -> Result<(), LogError> {
        let (Some(sender), Some(client_id)) = (message.body.sender, message.body.client_id) else { return Ok(()) };
        let stamp = stamp_of(message.body.created_at);
        let values = (message.room.uuid(), sender.uuid(), client_id, bigint(message.seq), super::KEY_TTL_S, stamp);
        Ok(self.db.write(&self.statements.insert_key, values).await?)
    }
}

/// A write timestamp that is not later than the one under which a message of that time was first written.
fn stamp_of(at: Timestamp) -> i64 {
    at.minus(2 * crate::sequencer::STAMP_SET_BACK).as_millis().saturating_mul(1_000)
}

/// The lowest missing number that has a present one above it.
pub(super) fn hole(found: &BTreeMap<u64, Message>, first: u64) -> Option<u64> {
    let highest = found.keys().next_back()?;
    (first..*highest).find(|seq| !found.contains_key(seq))
}
