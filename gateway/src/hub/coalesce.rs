//! Events that follow each other closely leave together.
//!
//! An event of a quiet topic is written at once. In a topic that is faster than [`COALESCED`], events join the queues of
//! their connections without waking them, and all are woken when the span is over: one write a connection and span, not
//! one an event. What decides is the topic's own pace, so nobody waits for a topic that is slow.

use std::collections::VecDeque;
use std::sync::Arc;

use live::Topic;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{Hub, Stream};
use crate::limits::COALESCED;

/// When the connections of one topic were last woken, and whether they are to be.
#[derive(Debug)]
pub(super) struct Pace {
    woken: Option<Instant>,
    due: bool,
}

/// What to do about an event that has just been queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Wake who it is for.
    Now,
    /// They are woken with others, then; somebody has to see to it.
    Then(Instant),
    /// They are woken with others, and that is seen to already.
    Awaited,
}

impl Pace {
    pub const fn new() -> Self {
        Self { woken: None, due: false }
    }

    /// The turn of an event that comes `now`.
    pub fn turn(&mut self, now: Instant) -> Turn {
        if self.due {
            return Turn::Awaited;
        }
        match self.woken.map(|woken| woken + COALESCED) {
            Some(next) if now < next => {
                self.due = true;
                Turn::Then(next)
            }
            _ => {
                self.woken = Some(now);
                Turn::Now
            }
        }
    }

    fn woke(&mut self, now: Instant) {
        *self = Self { woken: Some(now), due: false };
    }
}

/// Topics in the order in which they are due, each at most once.
#[derive(Debug, Default)]
pub(super) struct Pending {
    topics: Mutex<VecDeque<(Instant, Topic)>>,
    more: Notify,
}

impl Pending {
    pub fn add(&self, due: Instant, topic: Topic) {
        self.topics.lock().push_back((due, topic));
        self.more.notify_one();
    }

    async fn next(&self) -> (Instant, Topic) {
        loop {
            let next = self.topics.lock().pop_front();
            match next {
                Some(next) => return next,
                None => self.more.notified().await,
            }
        }
    }
}

impl Hub {
    /// Wakes the connections of busy topics, span by span.
    pub async fn coalesce(self: Arc<Self>) {
        loop {
            let (due, topic) = self.pending.next().await;
            sleep_until(due).await;
            if let Some(stream) = self.shard(&topic).lock().get_mut(&topic) {
                stream.wake(Instant::now());
            }
        }
    }
}

impl Stream {
    fn wake(&mut self, now: Instant) {
        self.pace.woke(now);
        for outlet in &self.subscribers {
            outlet.queue().nudge();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_quiet_topic_never_waits_and_a_busy_one_waits_for_the_end_of_its_span() {
        let mut pace = Pace::new();
        let start = Instant::now();
        assert_eq!(pace.turn(start), Turn::Now);
        assert_eq!(pace.turn(start + COALESCED), Turn::Now, "a span later it is quiet again");
        let close = start + COALESCED + Duration::from_millis(1);
        assert_eq!(pace.turn(close), Turn::Then(start + COALESCED * 2));
        assert_eq!(pace.turn(close), Turn::Awaited);
        pace.woke(start + COALESCED * 2);
        assert_eq!(pace.turn(start + COALESCED * 2), Turn::Then(start + COALESCED * 3), "it is as busy as before");
    }
}
