//! Delivery of messages to their rooms, and its repair.
//!
//! Every message is published under its number, in order. When that fails, or when an earlier number has not been published yet,
//! the room is dirty: the relay reads the log from there and publishes what is missing. Whoever sends does not wait for it.
//!
//! Where many talk at once, numbers come out of order all the time, and the missing one is on its way: the relay waits for
//! [`FILLED_WITHIN`] before it takes it for lost.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kernel::RoomId;
use live::bus::Ordered;
use live::{Bus, Topic};
use parking_lot::Mutex;
use telemetry::{Counters, counters};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::log::{LogError, Message, MessageLog, Span};

/// Rooms that wait for repair on one node. Past it the oldest knowledge is not kept: the room's next message brings it back.
pub const DIRTY_MAX: usize = 10_000;
/// Between two looks at rooms that could not be repaired.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Whoever has a missing number publishes it within this time, if they live.
const FILLED_WITHIN: Duration = Duration::from_millis(250);
/// Messages read at once.
const BATCH: u64 = Span::LENGTH_MAX;

static REPAIRS: LazyLock<Counters<1>> = LazyLock::new(|| {
    counters("plaza_chat_relay_total", "Rooms whose messages could not be published at once, by what became of them.")
});

pub(crate) struct Relay {
    log: Arc<dyn MessageLog>,
    bus: Arc<dyn Bus>,
    /// The lowest number that may not be published, by room.
    dirty: Mutex<HashMap<RoomId, u64>>,
    awaited: Mutex<Awaited>,
    wake: Notify,
}

/// The lowest number that somebody is about to publish, by room, and since when it is missing.
#[derive(Default)]
struct Awaited(HashMap<RoomId, (u64, Instant)>);

#[derive(Debug, PartialEq, Eq)]
enum Noted {
    New,
    Known,
    /// Too many rooms wait.
    Full,
}

impl Awaited {
    fn note(&mut self, room: RoomId, missing: u64, now: Instant) -> Noted {
        match self.0.get(&room) {
            Some((known, _)) if *known == missing => return Noted::Known,
            None if self.0.len() >= DIRTY_MAX => return Noted::Full,
            // What was awaited before is there, or this one would not be the lowest.
            _ => {}
        }
        self.0.insert(room, (missing, now));
        Noted::New
    }

    /// All up to a number are published.
    fn published(&mut self, room: RoomId, seq: u64) {
        if self.0.get(&room).is_some_and(|(missing, _)| *missing <= seq) {
            self.0.remove(&room);
        }
    }

    /// What has been missing for [`FILLED_WITHIN`].
    fn take_late(&mut self, now: Instant) -> Vec<(RoomId, u64)> {
        let late = self.0.extract_if(|_, (_, since)| now.duration_since(*since) >= FILLED_WITHIN);
        late.map(|(room, (missing, _))| (room, missing)).collect()
    }
}

impl Relay {
    pub fn new(log: Arc<dyn MessageLog>, bus: Arc<dyn Bus>) -> Self {
        Self { log, bus, dirty: Mutex::default(), awaited: Mutex::default(), wake: Notify::new() }
    }

    /// Publishes a message, or sees to it that it will be.
    pub async fn publish(&self, message: &Message) {
        let Some(event) = events::created(message) else { return };
        match self.bus.publish_in_order(Topic::Room(message.room), message.seq, &event).await {
            Ok(Ordered::Published) => self.awaited.lock().published(message.room, message.seq),
            Ok(Ordered::Waiting { missing }) => self.wait_for(message.room, missing),
            Err(error) => {
                tracing::debug!(%error, room = %message.room, seq = message.seq, "a message waits for the relay");
                self.mark(message.room, message.seq);
            }
        }
    }

    fn wait_for(&self, room: RoomId, missing: u64) {
        match self.awaited.lock().note(room, missing, Instant::now()) {
            Noted::New => self.wake.notify_one(),
            Noted::Known => {}
            Noted::Full => self.mark(room, missing),
        }
    }

    /// Takes numbers that were awaited for too long for lost: whether none is awaited any more.
    fn give_up_waiting(&self) -> bool {
        let (late, none) = {
            let mut awaited = self.awaited.lock();
            (awaited.take_late(Instant::now()), awaited.0.is_empty())
        };
        for (room, missing) in late {
            self.mark(room, missing);
        }
        none
    }

    fn mark(&self, room: RoomId, from: u64) {
        let mut dirty = self.dirty.lock();
        if let Some(known) = dirty.get_mut(&room) {
            *known = from.min(*known);
        } else if dirty.len() < DIRTY_MAX {
            dirty.insert(room, from);
            REPAIRS.get_or_create(&[("outcome", "marked")]).inc();
        } else {
            REPAIRS.get_or_create(&[("outcome", "overflowed")]).inc();
            tracing::warn!(%room, from, "too many rooms wait for repair; this one waits for its next message");
        }
        drop(dirty);
        self.wake.notify_one();
    }

    /// Repairs until told to stop.
    pub async fn run(&self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
            }
            while !(self.give_up_waiting() & self.repair_all().await) {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(AGAIN_AFTER) => {}
                }
            }
        }
    }

    /// Goes once through the dirty rooms: whether all are clean.
    async fn repair_all(&self) -> bool {
        let rooms: Vec<(RoomId, u64)> = self.dirty.lock().drain().collect();
        let mut all = true;
        for (room, from) in rooms {
            match self.repair(room, from).await {
                Ok(None) => {
                    REPAIRS.get_or_create(&[("outcome", "repaired")]).inc();
                }
                Ok(Some(missing)) => {
                    self.mark(room, missing);
                    all = false;
                }
                Err(error) => {
                    tracing::debug!(%error, %room, from, "a room is not repaired yet");
                    self.mark(room, from);
                    all = false;
                }
            }
        }
        all
    }

    /// Publishes the room's messages from a number on. `Some`: that one is still missing in the log.
    async fn repair(&self, room: RoomId, from: u64) -> Result<Option<u64>, Failed> {
        let (mut next, mut is_missing) = (from.max(1), true);
        loop {
            let page = self.log.page(room, Span::After(next - 1), BATCH).await?;
            if page.is_empty() {
                return Ok(is_missing.then_some(next));
            }
            for message in &page {
                let Some(event) = events::created(message) else { continue };
                match self.bus.publish_in_order(Topic::Room(room), message.seq, &event).await? {
                    Ordered::Waiting { missing } if missing < message.seq => {
                        (next, is_missing) = (missing, true);
                        break;
                    }
                    _ => (next, is_missing) = (message.seq + 1, false),
                }
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Bus(#[from] live::BusError),
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    fn room() -> RoomId {
        RoomId::new(Timestamp::default())
    }

    #[test]
    fn a_number_that_comes_in_time_is_not_taken_for_lost() {
        let (mut awaited, room, start) = (Awaited::default(), room(), Instant::now());
        assert_eq!(awaited.note(room, 5, start), Noted::New);
        assert_eq!(awaited.note(room, 5, start + FILLED_WITHIN / 2), Noted::Known, "it counts from the first time");
        awaited.published(room, 4);
        assert_eq!(awaited.take_late(start + FILLED_WITHIN - Duration::from_millis(1)), []);
        assert_eq!(awaited.take_late(start + FILLED_WITHIN), [(room, 5)]);
        assert_eq!(awaited.take_late(start + FILLED_WITHIN), []);
        awaited.note(room, 6, start);
        // The bus publishes what waited together with what it waited for.
        awaited.published(room, 9);
        assert_eq!(awaited.take_late(start + FILLED_WITHIN), []);
        awaited.note(room, 10, start);
        assert_eq!(
            awaited.note(room, 12, start + FILLED_WITHIN),
            Noted::New,
            "10 and 11 came, and 12 is missing since now"
        );
        assert_eq!(awaited.take_late(start + FILLED_WITHIN), []);
    }

    #[test]
    fn so_many_rooms_wait_and_no_more() {
        let (mut awaited, first, start) = (Awaited::default(), room(), Instant::now());
        assert_eq!(awaited.note(first, 1, start), Noted::New);
        for _ in 1..DIRTY_MAX {
            assert_eq!(awaited.note(room(), 1, start), Noted::New);
        }
        assert_eq!(awaited.note(room(), 1, start), Noted::Full);
        assert_eq!(awaited.note(first, 2, start), Noted::New, "a room that waits already needs no further place");
    }
}
