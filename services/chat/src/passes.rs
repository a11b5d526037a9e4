//! Who was found to be allowed to post, and under which gate of the room.
//!
//! Whether somebody may post is the present truth of PostgreSQL, and with every message it is as true as when it was asked, because
//! the room's [`Gate`] moves before a block, a removal, or another role is confirmed, and the number of a message is given only under
//! the gate that is named. So who goes on talking is not asked about again:
//!
//! 1. The first message asks, and its number tells the gate.
//! 2. The second asks once more, this time *after* the gate was seen. When its number shows the gate still there, there is a pass.
//! 3. The third goes by the pass, which spares the question. If the gate has moved, it gets no number, and asks.
//!
//! A pass is good for [`GOOD_FOR`], for the sake of changes that were committed and never confirmed, whose gate nobody moved.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{RoomId, UserId};
use parking_lot::Mutex;
use postgres::Db;
use tokio::time::Instant;

use crate::error::Error;
use crate::log::MessageLog;
use crate::sequencer::Gate;
use crate::store::Store;

/// What other slices say of those who talk.
pub struct Gates {
    store: Store,
    log: Arc<dyn MessageLog>,
}

impl Gates {
    #[must_use]
    pub const fn new(db: Db, log: Arc<dyn MessageLog>) -> Self {
        Self { store: Store::new(db), log }
    }

    /// One of two blocks the other, which is committed: when this returns, none of them goes on by what was asked before. Safe to repeat.
    pub async fn parted(&self, one: UserId, other: UserId) -> Result<(), Error> {
        match self.store.room_of_pair(one.min(other), one.max(other)).await? {
            Some(room) => Ok(self.log.move_gate(room).await?),
            // If one is made now, it is asked about after the block.
            None => Ok(()),
        }
    }
}

/// People and rooms that one node remembers. Past it, all are asked about anew.
const PASSES_MAX: usize = 50_000;
/// After this time, somebody who goes on talking is asked about again.
const GOOD_FOR: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Passes(Mutex<HashMap<(RoomId, UserId), Pass>>);

/// A gate that a person's message was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    gate: Gate,
    /// When it was asked after the gate had been seen, if it was.
    asked: Option<Instant>,
}

/// What was known before a message is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pass: Option<Pass>,
    at: Instant,
}

impl Seen {
    /// The gate under which nothing needs to be asked.
    pub fn good(self) -> Option<Gate> {
        let is_good = |asked: Instant| self.at.duration_since(asked) < GOOD_FOR;
        self.pass.filter(|pass| pass.asked.is_some_and(is_good)).map(|pass| pass.gate)
    }
}

impl Passes {
    /// To be called before it is asked whether the person may post.
    pub fn see(&self, room: RoomId, user: UserId, now: Instant) -> Seen {
        Seen { pass: self.0.lock().get(&(room, user)).copied(), at: now }
    }

    /// The message got its number under `gate`, and its sender was allowed, by what was `seen` or asked after that.
    pub fn passed(&self, room: RoomId, user: UserId, seen: Seen, gate: Gate) {
        let asked = match seen.pass.filter(|pass| pass.gate == gate) {
            Some(pass) if seen.good().is_some() => pass.asked,
            Some(_) => Some(seen.at),
            None => None,
        };
        let mut passes = self.0.lock();
        if passes.len() >= PASSES_MAX && !passes.contains_key(&(room, user)) {
            passes.clear();
        }
        passes.insert((room, user), Pass { gate, asked });
    }

    /// The gate has moved.
    pub fn forget(&self, room: RoomId, user: UserId) {
        self.0.lock().remove(&(room, user));
    }
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    fn user() -> UserId {
        UserId::new(Timestamp::default())
    }

    #[test]
    fn a_pass_is_what_was_asked_after_its_gate_was_seen() {
        let (passes, room, user) = (Passes::default(), RoomId::new(Timestamp::default()), user());
        let start = Instant::now();
        let say = |gate, after| {
            let seen = passes.see(room, user, start + after);
            passes.passed(room, user, seen, Gate(gate));
            seen.good().map(|gate| gate.0)
        };
        let soon = Duration::ZERO;
        assert_eq!([say(7, soon), say(7, soon), say(7, soon)], [None, None, Some(7)]);
        // The gate moved between the question and the number: what was asked may be of before.
        passes.forget(room, user);
        assert_eq!([say(7, soon), say(8, soon), say(8, soon), say(8, soon)], [None, None, None, Some(8)]);
        passes.forget(room, user);
        assert_eq!(passes.see(room, user, start).good(), None);
    }

    #[test]
    fn a_pass_is_good_for_a_minute() {
        let (passes, room, user) = (Passes::default(), RoomId::new(Timestamp::default()), user());
        let start = Instant::now();
        let say = |after| {
            let seen = passes.see(room, user, start + after);
            passes.passed(room, user, seen, Gate(7));
            seen.good().is_some()
        };
        let last = GOOD_FOR - Duration::from_millis(1);
        assert_eq!([say(Duration::ZERO), say(Duration::ZERO), say(last)], [false, false, true]);
        assert_eq!([say(GOOD_FOR), say(GOOD_FOR + last)], [false, true], "it is asked once, and good again");
        assert!(!say(GOOD_FOR * 2));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let (passes, room, first) = (Passes::default(), RoomId::new(Timestamp::default()), user());
        let say = |user| passes.passed(room, user, passes.see(room, user, Instant::now()), Gate(1));
        say(first);
        for _ in 1..PASSES_MAX {
            say(user());
        }
        say(first);
        assert_eq!(passes.0.lock().len(), PASSES_MAX);
        say(user());
        assert_eq!(passes.0.lock().len(), 1);
    }
}
