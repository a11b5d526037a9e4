//! Delivery of messages to their rooms, and its repair.
//!
//! Every message is published under its number, in order. When that fails, or when an earlier number has not been published yet,
//! the room is dirty: the relay reads the log from there and publishes what is missing. Whoever sends does not wait for it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kernel::RoomId;
use live::bus::Ordered;
use live::{Bus, Topic};
use parking_lot::Mutex;
use telemetry::{Counters, counters};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::log::{LogError, Message, MessageLog, Span};

/// Rooms that wait for repair on one node. Past it the oldest knowledge is not kept: the room's next message brings it back.
pub const DIRTY_MAX: usize = 10_000;
/// Between two looks at rooms that could not be repaired.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
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
    wake: Notify,
}

impl Relay {
    pub fn new(log: Arc<dyn MessageLog>, bus: Arc<dyn Bus>) -> Self {
        Self { log, bus, dirty: Mutex::default(), wake: Notify::new() }
    }

    /// Publishes a message, or sees to it that it will be.
    pub async fn publish(&self, message: &Message) {
        let Some(event) = events::created(message) else { return };
        match self.bus.publish_in_order(Topic::Room(message.room), message.seq, &event).await {
            Ok(Ordered::Published) => {}
            Ok(Ordered::Waiting { missing }) => self.mark(message.room, missing),
            Err(error) => {
                tracing::debug!(%error, room = %message.room, seq = message.seq, "a message waits for the relay");
                self.mark(message.room, message.seq);
            }
        }
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
            while !self.repair_all().await {
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
