//! Marks on their way to the store.
//!
//! What a person's own message reads, and what a device has received, are raised in one statement for many, a few times a
//! second. A mark that is lost with its process is raised again by the next message or the next device that reads.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{RoomId, UserId};
use parking_lot::Mutex;

use crate::store::MarkMove;

/// Between two writes of marks, and between two receipts of one room.
pub const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// Marks that wait on one node. Past it, they are dropped: each is raised again by what follows.
pub const WAITING_MAX: usize = 20_000;
/// Marks in one statement.
pub const BATCH: usize = 1_000;

#[derive(Default)]
pub(crate) struct Marks(Mutex<HashMap<(RoomId, UserId), Noted>>);

/// Marks to raise, and whether the room is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    pub read_seq: u64,
    pub delivered_seq: u64,
    pub tell: bool,
}

impl Noted {
    fn merge(&mut self, other: Self) {
        self.read_seq = self.read_seq.max(other.read_seq);
        self.delivered_seq = self.delivered_seq.max(other.delivered_seq);
        self.tell |= other.tell;
    }
}

impl Marks {
    pub fn note(&self, room: RoomId, user: UserId, noted: Noted) {
        let mut waiting = self.0.lock();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&(room, user)) {
            waiting.entry((room, user)).or_default().merge(noted);
        }
    }

    /// What waits of one person, for an answer that must not be behind.
    pub fn of(&self, room: RoomId, user: UserId) -> Noted {
        self.0.lock().get(&(room, user)).copied().unwrap_or_default()
    }

    /// Takes up to [`BATCH`].
    pub fn take(&self) -> Vec<(MarkMove, bool)> {
        let mut waiting = self.0.lock();
        let keys: Vec<(RoomId, UserId)> = waiting.keys().take(BATCH).copied().collect();
        let taken = keys.into_iter().filter_map(|key| Some((key, waiting.remove(&key)?)));
        let to_move = |((room, user), noted): ((RoomId, UserId), Noted)| {
            let Noted { read_seq, delivered_seq, tell } = noted;
            (MarkMove { room, user, read_seq, delivered_seq }, tell)
        };
        taken.map(to_move).collect()
    }

    /// Brings back what could not be written.
    pub fn put_back(&self, moves: &[(MarkMove, bool)]) {
        for (one, tell) in moves {
            let noted = Noted { read_seq: one.read_seq, delivered_seq: one.delivered_seq, tell: *tell };
            self.note(one.room, one.user, noted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    #[test]
    fn marks_only_rise_and_waiting_ones_are_limited() {
        let marks = Marks::default();
        let (room, user) = (RoomId::new(Timestamp::default()), UserId::new(Timestamp::default()));
        marks.note(room, user, Noted { read_seq: 5, delivered_seq: 7, tell: false });
        marks.note(room, user, Noted { read_seq: 3, delivered_seq: 9, tell: true });
        assert_eq!(marks.of(room, user), Noted { read_seq: 5, delivered_seq: 9, tell: true });
        for _ in 0..WAITING_MAX {
            marks.note(room, UserId::new(Timestamp::default()), Noted::default());
        }
        assert_eq!(marks.0.lock().len(), WAITING_MAX);
        let taken = marks.take();
        assert_eq!(taken.len(), BATCH);
        marks.put_back(&taken);
        assert_eq!(marks.0.lock().len(), WAITING_MAX);
    }
}
