//! What waits to be written to one client: bounded in bytes, in four classes.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::close::Close;
use crate::frame::Wire;
use crate::limits::{ANSWER_BYTES_MAX, QUEUE_BYTES_MAX, QUEUED_SIGNALS_MAX};

/// A queue that grew past this is given back when it is empty, in frames.
const KEPT_CAPACITY: usize = 8;

/// Which frames go first, and which give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Pings and the envelope's own frames.
    Control,
    /// Answers to commands.
    Reply,
    /// Numbered events: never dropped; a client too slow for them is closed and resumes.
    Event,
}

/// The queue of one connection. Guarded by the lock of its outlet.
#[derive(Debug, Default)]
pub struct Queue {
    /// Control and replies, in order of importance, then what was missed, then events.
    control: VecDeque<Wire>,
    replies: VecDeque<Wire>,
    replay: VecDeque<Wire>,
    events: VecDeque<Wire>,
    signals: VecDeque<Waiting>,
    /// Of events and signals.
    bytes: usize,
    /// Of control and replies: a page of history is larger than all the events that may wait.
    answer_bytes: usize,
    /// How many answers events must not overtake, because they say where topics stand that are new to the client.
    holds: u16,
    closing: Option<Close>,
    waker: Option<Waker>,
}

/// A signal that waits, and what would replace it.
#[derive(Debug)]
struct Waiting {
    key: Box<str>,
    wire: Wire,
}

impl Queue {
    /// Adds a frame. Past the limit, the connection is told to close, and `false` comes back.
    pub fn push(&mut self, class: Class, wire: Wire) -> bool {
        let added = self.push_quietly(class, wire);
        if added {
            self.wake_unless_held(class);
        }
        added
    }

    /// Like [`Queue::push`], for a caller who sees to it that [`Queue::nudge`] follows soon.
    pub fn push_quietly(&mut self, class: Class, wire: Wire) -> bool {
        if self.closing.is_some() {
            return false;
        }
        let fits = match class {
            Class::Control | Class::Reply => self.answer_bytes + wire.len() <= ANSWER_BYTES_MAX,
            Class::Event => {
                if self.bytes + wire.len() > QUEUE_BYTES_MAX {
                    self.drop_signals();
                }
                self.bytes + wire.len() <= QUEUE_BYTES_MAX
            }
        };
        if !fits {
            self.close(Close::SlowConsumer);
            return false;
        }
        let (queue, bytes) = match class {
            Class::Control => (&mut self.control, &mut self.answer_bytes),
            Class::Reply => (&mut self.replies, &mut self.answer_bytes),
            Class::Event => (&mut self.events, &mut self.bytes),
        };
        *bytes += wire.len();
        queue.push_back(wire);
        true
    }

    /// Has what was pushed quietly written.
    pub fn nudge(&mut self) {
        if !self.events.is_empty() {
            self.wake_unless_held(Class::Event);
        }
    }

    /// Adds a signal: in place of an older one with the same key, or of the oldest when there are too many.
    pub fn push_signal(&mut self, key: &str, wire: Wire) {
        if self.closing.is_some() {
            return;
        }
        let older = self.signals.iter().position(|waiting| *waiting.key == *key);
        let older = older.or((self.signals.len() >= QUEUED_SIGNALS_MAX).then_some(0));
        if let Some(dropped) = older.and_then(|at| self.signals.remove(at)) {
            self.bytes -= dropped.wire.len();
        }
        if self.bytes + wire.len() > QUEUE_BYTES_MAX {
            return;
        }
        self.bytes += wire.len();
        self.signals.push_back(Waiting { key: key.into(), wire });
        self.wake_unless_held(Class::Event);
    }

    /// Keeps events back, until [`Queue::release`] was called as often as this.
    pub const fn hold(&mut self) {
        self.holds += 1;
    }

    pub fn release(&mut self) {
        self.holds = self.holds.saturating_sub(1);
        if self.holds == 0 {
            self.wake();
        }
    }

    /// Puts the answer to `identify` before all events, and what was missed before those that are newer.
    pub fn replay(&mut self, answer: Wire, missed: Vec<Wire>) {
        self.answer_bytes += answer.len();
        self.replies.push_back(answer);
        self.replay = missed.into();
        self.wake();
    }

    /// Asks the connection to close once what is written already is out. The first reason stays.
    pub fn close(&mut self, why: Close) {
        if self.closing.is_none() {
            self.closing = Some(why);
            self.wake();
        }
    }

    pub const fn closing(&self) -> Option<Close> {
        self.closing
    }

    /// Moves up to `max` frames to `out`, most important first.
    pub fn take(&mut self, out: &mut VecDeque<Wire>, max: usize) {
        if out.is_empty() && self.has_only_events() && self.events.len() <= max {
            // The usual case, in which nothing needs to be moved.
            std::mem::swap(out, &mut self.events);
            self.bytes = 0;
        }
        out.reserve(self.events.len().min(max.saturating_sub(out.len())));
        while out.len() < max {
            let wire = if let Some(answer) = self.control.pop_front().or_else(|| self.replies.pop_front()) {
                self.answer_bytes -= answer.len();
                answer
            } else if self.holds > 0 {
                break;
            } else if let Some(missed) = self.replay.pop_front() {
                missed
            } else {
                let signals = &mut self.signals;
                let next = self.events.pop_front().or_else(|| signals.pop_front().map(|waiting| waiting.wire));
                let Some(wire) = next else { break };
                self.bytes -= wire.len();
                wire
            };
            out.push_back(wire);
        }
        if self.is_empty() {
            self.give_back();
        }
    }

    /// Ready when there is something to write or to end.
    pub fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let urgent = !(self.control.is_empty() && self.replies.is_empty());
        let writable = urgent || (self.holds == 0 && !self.is_empty());
        if writable || self.closing.is_some() {
            return Poll::Ready(());
        }
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Bytes that count against the limits.
    #[cfg(test)]
    const fn bytes(&self) -> usize {
        self.bytes + self.answer_bytes
    }

    fn is_empty(&self) -> bool {
        self.bytes == 0 && self.answer_bytes == 0 && self.replay.is_empty()
    }

    fn has_only_events(&self) -> bool {
        let Self { control, replies, replay, signals, .. } = self;
        self.holds == 0 && control.is_empty() && replies.is_empty() && replay.is_empty() && signals.is_empty()
    }

    fn drop_signals(&mut self) {
        let dropped: usize = self.signals.drain(..).map(|waiting| waiting.wire.len()).sum();
        self.bytes -= dropped;
    }

    /// Wakes the connection, once a burst: who is awake took its waker along.
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn wake_unless_held(&mut self, class: Class) {
        if self.holds == 0 || class != Class::Event {
            self.wake();
        }
    }

    fn give_back(&mut self) {
        for queue in [&mut self.control, &mut self.replies, &mut self.replay, &mut self.events] {
            if queue.capacity() > KEPT_CAPACITY {
                *queue = VecDeque::new();
            }
        }
        if self.signals.capacity() > KEPT_CAPACITY {
            self.signals = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> Wire {
        Wire::copy_from_slice(text.as_bytes())
    }

    fn taken(queue: &mut Queue) -> Vec<String> {
        let mut out = VecDeque::new();
        queue.take(&mut out, usize::MAX);
        out.iter().map(|wire| String::from_utf8(wire.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_more_important_class_goes_first_and_each_keeps_its_order() {
        let mut queue = Queue::default();
        queue.push_signal("s", wire("signal"));
        for (class, text) in [(Class::Event, "e1"), (Class::Reply, "r1"), (Class::Event, "e2"), (Class::Control, "c1")]
        {
            assert!(queue.push(class, wire(text)));
        }
        assert_eq!(taken(&mut queue), ["c1", "r1", "e1", "e2", "signal"]);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn nothing_overtakes_the_answer_to_identify_and_what_was_missed() {
        let mut queue = Queue::default();
        queue.hold();
        queue.push(Class::Event, wire("new"));
        queue.push(Class::Control, wire("ping"));
        assert_eq!(taken(&mut queue), ["ping"]);
        queue.hold();
        queue.replay(wire("identified"), vec![wire("missed 1"), wire("missed 2")]);
        queue.release();
        assert_eq!(taken(&mut queue), ["identified"], "somebody else holds events back");
        queue.release();
        assert_eq!(taken(&mut queue), ["missed 1", "missed 2", "new"]);
    }

    #[test]
    fn many_events_leave_in_their_order_and_no_more_than_asked() {
        let mut queue = Queue::default();
        let mut out = VecDeque::new();
        for round in 0..3 {
            let all: Vec<String> = (0..100).map(|number| format!("{round}/{number}")).collect();
            for one in &all {
                assert!(queue.push(Class::Event, wire(one)));
            }
            let mut left = Vec::new();
            for length in [64, 36, 0] {
                queue.take(&mut out, 64);
                assert_eq!(out.len(), length);
                left.extend(out.drain(..).map(|wire| String::from_utf8(wire.to_vec()).unwrap()));
            }
            assert_eq!((left, queue.bytes()), (all, 0));
        }
    }

    #[test]
    fn signals_give_way_first_then_the_connection_is_closed() {
        let mut queue = Queue::default();
        queue.push_signal("typing", Wire::from(vec![0; 1024]));
        assert!(queue.push(Class::Event, Wire::from(vec![0; QUEUE_BYTES_MAX])), "the signal makes room");
        assert_eq!((queue.bytes(), queue.closing()), (QUEUE_BYTES_MAX, None));
        queue.push_signal("typing", wire("x"));
        assert_eq!(queue.bytes(), QUEUE_BYTES_MAX, "there is no room for a signal");
        assert!(!queue.push(Class::Event, wire("x")), "one byte past the limit");
        assert_eq!(queue.closing(), Some(Close::SlowConsumer));
    }

    #[test]
    fn answers_have_room_of_their_own() {
        let mut queue = Queue::default();
        assert!(queue.push(Class::Event, Wire::from(vec![0; QUEUE_BYTES_MAX])));
        assert!(queue.push(Class::Reply, Wire::from(vec![0; ANSWER_BYTES_MAX])));
        assert_eq!(queue.closing(), None);
        assert!(!queue.push(Class::Reply, wire("x")), "one byte past the limit");
        assert_eq!(queue.closing(), Some(Close::SlowConsumer));
    }

    #[test]
    fn a_later_signal_replaces_an_earlier_one_of_its_key() {
        let mut queue = Queue::default();
        queue.push_signal("ada", wire("on"));
        queue.push_signal("ben", wire("on too"));
        queue.push_signal("ada", wire("off"));
        assert_eq!(taken(&mut queue), ["on too", "off"]);
        for nth in 0..=QUEUED_SIGNALS_MAX {
            queue.push_signal(&nth.to_string(), wire(&nth.to_string()));
        }
        let left = taken(&mut queue);
        assert_eq!((left.len(), left[0].as_str()), (QUEUED_SIGNALS_MAX, "1"));
    }
}
