//! What is kept of one topic. Pure: no clock, no delivery.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{HELD_MAX, Ordered, Publication, Since};

/// An event that has no number yet.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub trace: Option<Box<str>>,
    pub event: Bytes,
}

/// The window of a topic, its head, and what came too early.
#[derive(Debug)]
pub(super) struct Memory {
    last: u64,
    window: VecDeque<Publication>,
    /// Of the events in the window.
    bytes: usize,
    sequence: Option<Box<Sequence>>,
}

/// The topic's own dense numbering, where its events have one.
#[derive(Debug)]
struct Sequence {
    /// Lowest that was ever published from this memory.
    first: u64,
    last: u64,
    held: BTreeMap<u64, Draft>,
}

impl Memory {
    /// A topic whose next event gets the number after `base`.
    pub fn starting_after(base: u64) -> Self {
        Self { last: base, window: VecDeque::new(), bytes: 0, sequence: None }
    }

    pub const fn last(&self) -> u64 {
        self.last
    }

    pub fn window_is_empty(&self) -> bool {
        self.window.is_empty()
    }

    /// Bytes of the events in the window.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn forget_window(&mut self) {
        self.window = VecDeque::new();
        self.bytes = 0;
    }

    pub fn append(&mut self, seq: Option<u64>, draft: Draft, length: usize) -> Publication {
        self.last += 1;
        let publication = Publication { offset: self.last, seq, trace: draft.trace, event: draft.event };
        while self.window.len() >= length.max(1) {
            self.bytes -= self.window.pop_front().map_or(0, |oldest| oldest.event.len());
        }
        self.bytes += publication.event.len();
        self.window.push_back(publication.clone());
        publication
    }

    /// Appends what may be appended now, and says what became of `seq`.
    pub fn append_in_order(&mut self, seq: u64, draft: Draft, length: usize) -> (Ordered, Vec<Publication>) {
        let Some(sequence) = &mut self.sequence else {
            self.sequence = Some(Box::new(Sequence { first: seq, last: seq, held: BTreeMap::new() }));
            return (Ordered::Published, vec![self.append(Some(seq), draft, length)]);
        };
        if seq < sequence.first {
            // Never seen here, and too late to put in its place.
            sequence.first = seq;
            self.lose();
            return (Ordered::Published, Vec::new());
        }
        if seq <= sequence.last {
            return (Ordered::Published, Vec::new());
        }
        let missing = sequence.last + 1;
        if seq > missing {
            if sequence.held.len() < HELD_MAX {
                sequence.held.entry(seq).or_insert(draft);
                return (Ordered::Waiting { missing }, Vec::new());
            }
            // Whoever was to fill the hole never did. Go on from here, and let everybody read anew.
            self.sequence = Some(Box::new(Sequence { first: seq, last: seq, held: BTreeMap::new() }));
            self.lose();
            return (Ordered::Published, vec![self.append(Some(seq), draft, length)]);
        }
        let mut ready = vec![(seq, draft)];
        sequence.last = seq;
        while let Some(draft) = sequence.held.remove(&(sequence.last + 1)) {
            sequence.last += 1;
            ready.push((sequence.last, draft));
        }
        let published = ready.into_iter().map(|(seq, draft)| self.append(Some(seq), draft, length)).collect();
        (Ordered::Published, published)
    }

    /// Makes every position of before [`Since::Lost`], by a number that no event has.
    fn lose(&mut self) {
        self.last += 1;
        self.forget_window();
    }

    pub fn since(&self, after: u64) -> Since {
        let Some(missed) = self.last.checked_sub(after).and_then(|missed| usize::try_from(missed).ok()) else {
            return Since::Lost;
        };
        match self.window.len().checked_sub(missed) {
            Some(skip) => Since::Complete(self.window.iter().skip(skip).cloned().collect()),
            None => Since::Lost,
        }
    }
}
