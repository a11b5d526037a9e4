//! How far a client has come: in each topic, and in each room's messages.

use std::collections::HashMap;

use kernel::RoomId;
use schemas::socket::{Positions, Resume};

/// What to do with something numbered that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is the next one, or the first that we hear of.
    Next,
    /// It has been here before.
    Repeat,
    /// Some between `after` and this one have not arrived.
    Ahead { after: u64 },
}

fn compare(known: Option<u64>, number: u64) -> Arrival {
    match known {
        Some(last) if number <= last => Arrival::Repeat,
        Some(last) if number > last + 1 => Arrival::Ahead { after: last },
        _ => Arrival::Next,
    }
}

/// What a client tells a server to resume from, and what it needs to drop repeats and notice holes.
#[derive(Debug, Default)]
pub struct Progress {
    epoch: Option<String>,
    topics: Positions,
    rooms: HashMap<RoomId, u64>,
}

impl Progress {
    /// The epoch and positions to resume from, if there are any.
    pub fn resume(&self) -> Option<Resume> {
        let epoch = self.epoch.clone()?;
        Some(Resume { epoch, positions: self.topics.clone() })
    }

    pub fn is_of(&self, epoch: &str) -> bool {
        self.epoch.as_deref() == Some(epoch)
    }

    /// Takes on where the server says that topics stand, and forgets what it thought of before.
    pub fn restart(&mut self, epoch: String, positions: Positions) {
        self.epoch = Some(epoch);
        self.topics = positions;
    }

    /// Adds topics that are followed from now on, or puts some elsewhere.
    pub fn place(&mut self, positions: Positions) {
        self.topics.extend(positions);
    }

    /// No longer follows a topic.
    pub fn leave(&mut self, topic: &str) {
        self.topics.remove(topic);
    }

    /// An event of a topic has arrived. Moves on unless it is a repeat or ahead.
    pub fn event(&mut self, topic: &str, pos: u64) -> Arrival {
        let Some(known) = self.topics.get_mut(topic) else {
            self.topics.insert(topic.to_owned(), pos);
            return Arrival::Next;
        };
        let arrival = compare(Some(*known), pos);
        if arrival == Arrival::Next {
            *known = pos;
        }
        arrival
    }

    /// A message has arrived. Moves on unless it is a repeat: a hole is told once, and is then the caller's to fill.
    pub fn message(&mut self, room: RoomId, seq: u64) -> Arrival {
        let arrival = compare(self.rooms.get(&room).copied(), seq);
        if arrival != Arrival::Repeat {
            self.rooms.insert(room, seq);
        }
        arrival
    }

    /// The last message that arrived in each room.
    pub fn rooms(&self) -> &HashMap<RoomId, u64> {
        &self.rooms
    }

    /// The caller has read a room's history up to `seq`.
    pub fn caught_up(&mut self, room: RoomId, seq: u64) {
        let last = self.rooms.entry(room).or_default();
        *last = seq.max(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    #[test]
    fn repeats_are_seen_and_an_event_ahead_moves_nothing() {
        let mut progress = Progress::default();
        assert_eq!(progress.event("room_1", 5), Arrival::Next);
        assert_eq!(progress.event("room_1", 6), Arrival::Next);
        assert_eq!(progress.event("room_1", 6), Arrival::Repeat);
        assert_eq!(progress.event("room_1", 9), Arrival::Ahead { after: 6 });
        assert_eq!(progress.event("room_1", 7), Arrival::Next);
        progress.leave("room_1");
        assert_eq!(progress.event("room_1", 90), Arrival::Next);
    }

    #[test]
    fn a_restart_forgets_positions_but_not_how_far_rooms_were_read() {
        let mut progress = Progress::default();
        let room = RoomId::new(Timestamp::from_millis(1));
        assert_eq!(progress.resume(), None);
        assert_eq!(progress.message(room, 4), Arrival::Next);
        progress.restart("b".into(), [("room_2".into(), 3)].into());
        assert_eq!(progress.event("room_2", 4), Arrival::Next);
        assert_eq!(progress.message(room, 6), Arrival::Ahead { after: 4 });
        assert_eq!(progress.message(room, 5), Arrival::Repeat);
        progress.caught_up(room, 8);
        progress.caught_up(room, 7);
        assert_eq!(progress.message(room, 8), Arrival::Repeat);
        assert_eq!(progress.message(room, 9), Arrival::Next);
    }
}
