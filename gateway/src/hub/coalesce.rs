//! Events that follow each other closely leave together.
//!
//! An event that comes at least half a [`span`] after the last write of its topic is written at once. One that comes sooner
//! joins the queues of its connections without waking them, as do those after it, and all are woken when the span is
//! over: one write a connection and span, not one an event. What decides is the topic's own pace, so nobody waits for a
//! topic that is slow.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use live::Topic;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{Hub, Stream};
use crate::limits::{COALESCED_MAX, COALESCED_MIN, COALESCED_PER_CONNECTION};

/// How far apart a busy topic's writes are: the farther, the more connections there are to write to.
pub(super) fn span(connections: usize) -> Duration {
    let connections = u32::try_from(connections).unwrap_or(u32::MAX);
    COALESCED_PER_CONNECTION.saturating_mul(connections).clamp(COALESCED_MIN, COALESCED_MAX)
}

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

    /// The turn of an event that comes `now`, in a topic whose writes are a `span` apart when it is busy.
    pub fn turn(&mut self, now: Instant, span: Duration) -> Turn {
        if self.due {
            return Turn::Awaited;
        }
        match self.woken {
            Some(woken) if now < woken + span / 2 => {
                self.due = true;
                Turn::Then(woken + span)
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

/// Topics by when they are due, each at most once.
#[derive(Debug, Default)]
pub(super) struct Pending {
    topics: Mutex<BinaryHeap<Reverse<(Instant, Topic)>>>,
    sooner: Notify,
}

impl Pending {
    pub fn add(&self, due: Instant, topic: Topic) {
        let mut topics = self.topics.lock();
        if topics.peek().is_none_or(|Reverse((first, _))| due < *first) {
            self.sooner.notify_one();
        }
        topics.push(Reverse((due, topic)));
    }

    /// The next topic, once it is due.
    async fn next(&self) -> Topic {
        loop {
            let first = self.topics.lock().peek().map(|Reverse((due, _))| *due);
            match first {
                None => self.sooner.notified().await,
                Some(due) if due > Instant::now() => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.sooner.notified() => {}
                },
                Some(_) => {
                    if let Some(Reverse((_, topic))) = self.topics.lock().pop() {
                        return topic;
                    }
                }
            }
        }
    }
}

impl Hub {
    /// Wakes the connections of busy topics, span by span.
    pub async fn coalesce(self: Arc<Self>) {
        loop {
            let topic = self.pending.next().await;
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
    use super::*;

    #[test]
    fn a_quiet_topic_never_waits_and_a_busy_one_waits_for_the_end_of_its_span() {
        let mut pace = Pace::new();
        let (start, span) = (Instant::now(), Duration::from_millis(8));
        assert_eq!(pace.turn(start, span), Turn::Now);
        assert_eq!(pace.turn(start + span / 2, span), Turn::Now, "half a span later it is quiet again");
        let close = start + span - Duration::from_nanos(1);
        assert_eq!(pace.turn(close, span), Turn::Then(start + span / 2 * 3));
        assert_eq!(pace.turn(close, span), Turn::Awaited);
        pace.woke(start + span * 2);
        assert_eq!(pace.turn(start + span * 2, span), Turn::Then(start + span * 3), "it is as busy as before");
    }

    #[test]
    fn a_span_grows_with_the_connections_within_its_bounds() {
        let least = usize::try_from(COALESCED_MIN.as_micros() / COALESCED_PER_CONNECTION.as_micros()).unwrap();
        let most = usize::try_from(COALESCED_MAX.as_micros().div_ceil(COALESCED_PER_CONNECTION.as_micros())).unwrap();
        assert_eq!((span(0), span(least)), (COALESCED_MIN, COALESCED_MIN));
        assert!(span(least + 1) > COALESCED_MIN);
        assert!(span(most - 1) < COALESCED_MAX);
        assert_eq!((span(most), span(usize::MAX)), (COALESCED_MAX, COALESCED_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn topics_come_when_they_are_due_and_not_in_the_order_in_which_they_began_to_wait() {
        let (pending, start) = (Arc::new(Pending::default()), Instant::now());
        let [late, soon, between] = [1, 2, 3].map(|n| Topic::Room(kernel::RoomId::from_uuid(uuid::Uuid::from_u128(n))));
        pending.add(start + Duration::from_millis(50), late);
        let waiting = tokio::spawn({
            let pending = Arc::clone(&pending);
            async move {
                let mut order = Vec::new();
                for _ in 0..3 {
                    order.push((pending.next().await, start.elapsed().as_millis()));
                }
                order
            }
        });
        // It waits for the late one by now.
        tokio::task::yield_now().await;
        pending.add(start + Duration::from_millis(20), between);
        pending.add(start + Duration::from_millis(10), soon);
        assert_eq!(waiting.await.unwrap(), [(soon, 10), (between, 20), (late, 50)]);
    }
}
