//! Who typed when, so that nobody is told too often.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{RoomId, Timestamp, UserId};
use parking_lot::Mutex;

/// Typing shows for so long, unless it is repeated.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(8);
/// A room hears of one person's typing at most so often.
pub const AT_MOST_EVERY: Duration = Duration::from_secs(3);
/// Typists that one node remembers. Past it, those whose typing has expired are forgotten.
const REMEMBERED_MAX: usize = 20_000;

#[derive(Default)]
pub(crate) struct Typists(Mutex<HashMap<(RoomId, UserId), Timestamp>>);

impl Typists {
    /// Whether the room is to be told that the person types.
    pub fn start(&self, room: RoomId, user: UserId, now: Timestamp) -> bool {
        let mut typists = self.0.lock();
        if typists.get(&(room, user)).is_some_and(|last| now.since(*last) < AT_MOST_EVERY) {
            return false;
        }
        if typists.len() >= REMEMBERED_MAX {
            typists.retain(|_, last| now.since(*last) < EXPIRES_AFTER);
        }
        if typists.len() >= REMEMBERED_MAX {
            return false;
        }
        typists.insert((room, user), now);
        true
    }

    /// Whether the room is to be told that the person stopped. The next start is still not told too early.
    pub fn stop(&self, room: RoomId, user: UserId, now: Timestamp) -> bool {
        self.0.lock().get(&(room, user)).is_some_and(|last| now.since(*last) < EXPIRES_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_hears_of_one_person_every_three_seconds_at_most() {
        let typists = Typists::default();
        let at = Timestamp::from_millis;
        let (room, ada, ben) = (RoomId::new(at(1)), UserId::new(at(2)), UserId::new(at(3)));
        assert!(!typists.stop(room, ada, at(0)));
        assert!(typists.start(room, ada, at(0)));
        assert!(!typists.start(room, ada, at(2_999)));
        assert!(typists.start(room, ben, at(2_999)));
        assert!(typists.start(room, ada, at(3_000)));
        assert!(typists.stop(room, ada, at(4_000)));
        assert!(!typists.stop(room, ada, at(11_000)));
    }
}
