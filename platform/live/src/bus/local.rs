//! The live bus of a single process.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::ear::Ear;
use super::memory::{Draft, Memory};
use super::{Bus, BusError, HEAD_AGE, INCOMING_MAX, Incoming, Ordered, Position, Since, Window};
use crate::{Signal, Topic, UserEvent};

/// Locks among which topics are spread.
const SHARDS: usize = 64;
/// Events kept in one shard, in bytes: 256 MiB in all. Past it, the topics that were silent longest forget theirs.
const SHARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One node's end of a bus in memory.
pub struct LocalBus {
    shared: Arc<Shared>,
    ear: Arc<Ear>,
}

struct Shared {
    epoch: Arc<str>,
    window: Window,
    shards: [Mutex<Shard>; SHARDS],
    /// No topic that was forgotten had a number above this.
    floor: AtomicU64,
}

#[derive(Default)]
struct Shard {
    topics: HashMap<Topic, Entry>,
    bytes: usize,
}

struct Entry {
    memory: Memory,
    followers: Vec<Arc<Ear>>,
    touched: Instant,
}

impl LocalBus {
    /// A new bus with one node. Must be called inside a runtime: old windows are swept by a task.
    #[must_use]
    pub fn new(window: Window) -> Self {
        let shared = Arc::new(Shared {
            epoch: format!("{:016x}", rand::random::<u64>()).into(),
            window,
            shards: std::array::from_fn(|_| Mutex::default()),
            floor: AtomicU64::new(0),
        });
        tokio::spawn(sweep(Arc::downgrade(&shared), window.age.min(HEAD_AGE) / 4));
        Self::end_of(shared, INCOMING_MAX)
    }

    /// A further node on the same bus, which holds up to `queue` unheard items.
    #[must_use]
    pub fn another_node(&self, queue: usize) -> Self {
        Self::end_of(Arc::clone(&self.shared), queue)
    }

    fn end_of(shared: Arc<Shared>, queue: usize) -> Self {
        Self { shared, ear: Ear::new(queue) }
    }
}

impl Shared {
    fn shard(&self, topic: &Topic) -> &Mutex<Shard> {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        &self.shards[hasher.finish() as usize % SHARDS]
    }

    fn position(&self, offset: u64) -> Position {
        Position { epoch: Arc::clone(&self.epoch), offset }
    }

    /// Runs `change` on a topic's memory, then delivers what it published, all under the topic's lock: that is what
    /// keeps events in order.
    fn append<T>(&self, topic: Topic, change: impl FnOnce(&mut Memory) -> (T, Vec<super::Publication>)) -> T {
        let mut shard = self.shard(&topic).lock();
        let Shard { topics, bytes } = &mut *shard;
        let entry = self.entry(topics, topic);
        let before = entry.memory.bytes();
        let (result, published) = change(&mut entry.memory);
        entry.touched = Instant::now();
        *bytes = *bytes + entry.memory.bytes() - before;
        for publication in published {
            let epoch = Arc::clone(&self.epoch);
            deliver(&mut entry.followers, &Incoming::Event { topic, epoch, publication });
        }
        if *bytes > SHARD_BYTES_MAX {
            shard.shrink();
        }
        result
    }

    fn entry<'a>(&self, topics: &'a mut HashMap<Topic, Entry>, topic: Topic) -> &'a mut Entry {
        topics.entry(topic).or_insert_with(|| Entry {
            memory: Memory::starting_after(self.floor.load(Ordering::Relaxed)),
            followers: Vec::new(),
            touched: Instant::now(),
        })
    }

    fn tell(&self, topic: Topic, what: &Incoming) {
        if let Some(entry) = self.shard(&topic).lock().topics.get_mut(&topic) {
            deliver(&mut entry.followers, what);
        }
    }

    fn sweep(&self, now: Instant) {
        for shard in &self.shards {
            let Shard { topics, bytes } = &mut *shard.lock();
            topics.retain(|_, entry| {
                let silent = now.saturating_duration_since(entry.touched);
                if silent > self.window.age && !entry.memory.window_is_empty() {
                    *bytes -= entry.memory.bytes();
                    entry.memory.forget_window();
                }
                entry.followers.retain(|ear| !ear.is_closed());
                let keep = !entry.followers.is_empty() || silent <= HEAD_AGE;
                if !keep {
                    self.floor.fetch_max(entry.memory.last(), Ordering::Relaxed);
                }
                keep
            });
            if topics.capacity() > 2 * topics.len() + 64 {
                topics.shrink_to_fit();
            }
        }
    }
}

impl Shard {
    /// Forgets windows, the longest silent first, until three quarters of the limit are left.
    fn shrink(&mut self) {
        let mut by_silence: Vec<_> = self.topics.values_mut().filter(|entry| !entry.memory.window_is_empty()).collect();
        by_silence.sort_by_key(|entry| entry.touched);
        for entry in by_silence {
            if self.bytes <= SHARD_BYTES_MAX / 4 * 3 {
                return;
            }
            self.bytes -= entry.memory.bytes();
            entry.memory.forget_window();
        }
    }
}

/// Hands `what` to every follower that still listens.
fn deliver(followers: &mut Vec<Arc<Ear>>, what: &Incoming) {
    followers.retain(|ear| ear.tell(what.clone()));
}

async fn sweep(bus: Weak<Shared>, every: Duration) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    loop {
        let now = ticks.tick().await;
        let Some(bus) = bus.upgrade() else { return };
        bus.sweep(now);
    }
}

fn draft(event: &UserEvent) -> Result<Draft, BusError> {
    let event = serde_json::to_vec(event).map(Bytes::from).map_err(|error| BusError::Broken(Box::new(error)))?;
    Ok(Draft { trace: telemetry::current_traceparent(), event })
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, topic: Topic, event: &UserEvent) -> Result<(), BusError> {
        if event.body.is_none() {
            self.shared.tell(topic, &Incoming::Control { topic, event: event.clone() });
            return Ok(());
        }
        let draft = draft(event)?;
        let length = self.shared.window.length;
        self.shared.append(topic, |memory| ((), vec![memory.append(None, draft, length)]));
        Ok(())
    }

    async fn publish_in_order(&self, topic: Topic, seq: u64, event: &UserEvent) -> Result<Ordered, BusError> {
        let draft = draft(event)?;
        let length = self.shared.window.length;
        Ok(self.shared.append(topic, |memory| memory.append_in_order(seq, draft, length)))
    }

    async fn signal(&self, topic: Topic, signal: &Signal) -> Result<(), BusError> {
        self.shared.tell(topic, &Incoming::Signal { topic, signal: signal.clone() });
        Ok(())
    }

    async fn follow(&self, topic: Topic) -> Result<Position, BusError> {
        let mut shard = self.shared.shard(&topic).lock();
        let entry = self.shared.entry(&mut shard.topics, topic);
        if !entry.followers.iter().any(|ear| Arc::ptr_eq(ear, &self.ear)) {
            entry.followers.push(Arc::clone(&self.ear));
        }
        Ok(self.shared.position(entry.memory.last()))
    }

    async fn unfollow(&self, topic: Topic) {
        let mut shard = self.shared.shard(&topic).lock();
        if let Some(entry) = shard.topics.get_mut(&topic) {
            entry.followers.retain(|ear| !Arc::ptr_eq(ear, &self.ear));
            entry.touched = Instant::now();
        }
    }

    async fn since(&self, topic: Topic, after: &Position) -> Result<Since, BusError> {
        if after.epoch != self.shared.epoch {
            return Ok(Since::Lost);
        }
        let shard = self.shared.shard(&topic).lock();
        Ok(shard.topics.get(&topic).map_or(Since::Lost, |entry| entry.memory.since(after.offset)))
    }

    async fn positions(&self, topics: &[Topic]) -> Result<Vec<Position>, BusError> {
        Ok(topics
            .iter()
            .map(|topic| {
                let mut shard = self.shared.shard(topic).lock();
                self.shared.position(self.shared.entry(&mut shard.topics, *topic).memory.last())
            })
            .collect())
    }

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.ear.receiver()
    }
}
