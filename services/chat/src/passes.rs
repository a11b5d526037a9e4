//! Who was found to be allowed to post, and under which gate of the room.
//!
//! Whether somebody may post is the present truth of PostgreSQL, and with every message it is as true as when it was asked, because
//! the room's [`Gate`] moves before a block, a removal, or another role is confirmed, and the number of a message is given only under
//! the gate that is named. So who goes on talking is not asked about again:
//!
//! 1. The first message asks, and its number tells the gate.
//! 2. The second asks once more, this time *after* the gate was seen. When its number shows the gate still there, there is a pass.
//! 3. The third goes by the pass, which spares the question. If the gate has moved, it gets no number, and asks.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{RoomId, UserId};
use parking_lot::Mutex;
use postgres::Db;

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

#[derive(Default)]
pub(crate) struct Passes(Mutex<HashMap<(RoomId, UserId), Pass>>);

/// A gate that a person's message was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    gate: Gate,
    /// Whether it was asked after the gate had been seen.
    is_good: bool,
}

/// What was known before a message is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen(Option<Pass>);

impl Seen {
    /// The gate under which nothing needs to be asked.
    pub fn good(self) -> Option<Gate> {
        self.0.filter(|pass| pass.is_good).map(|pass| pass.gate)
    }
}

impl Passes {
    /// To be called before it is asked whether the person may post.
    pub fn see(&self, room: RoomId, user: UserId) -> Seen {
        Seen(self.0.lock().get(&(room, user)).copied())
    }

    /// The message got its number under `gate`, and its sender was allowed, by what was `seen` or asked after that.
    pub fn passed(&self, room: RoomId, user: UserId, seen: Seen, gate: Gate) {
        let is_good = seen.0.is_some_and(|pass| pass.gate == gate);
        let mut passes = self.0.lock();
        if passes.len() >= PASSES_MAX && !passes.contains_key(&(room, user)) {
            passes.clear();
        }
        passes.insert((room, user), Pass { gate, is_good });
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

    #[test]
    fn a_pass_is_what_was_asked_after_its_gate_was_seen() {
        let (passes, room, user) =
            (Passes::default(), RoomId::new(Timestamp::default()), UserId::new(Timestamp::default()));
        let say = |gate| {
            let seen = passes.see(room, user);
            passes.passed(room, user, seen, Gate(gate));
            seen.good()
        };
        assert_eq!([say(7), say(7), say(7)], [None, None, Some(Gate(7))]);
        // The gate moved between the question and the number: what was asked may be of before.
        passes.forget(room, user);
        assert_eq!([say(7), say(8), say(8), say(8)], [None, None, None, Some(Gate(8))]);
        passes.forget(room, user);
        assert_eq!(passes.see(room, user).good(), None);
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let (passes, room, first) =
            (Passes::default(), RoomId::new(Timestamp::default()), UserId::new(Timestamp::default()));
        for user in std::iter::once(first).chain((1..PASSES_MAX).map(|_| UserId::new(Timestamp::default()))) {
            passes.passed(room, user, Seen::default(), Gate(1));
        }
        assert_eq!(passes.0.lock().len(), PASSES_MAX);
        passes.passed(room, first, Seen::default(), Gate(1));
        assert_eq!(passes.0.lock().len(), PASSES_MAX);
        passes.passed(room, UserId::new(Timestamp::default()), Seen::default(), Gate(1));
        assert_eq!(passes.0.lock().len(), 1);
    }
}
