//! Which connections of this node follow which topics, and what each topic has heard so far.
//!
//! A node follows a topic once, however many connections do. For each topic it knows the number of the last event that
//! it handed out; from that it sees repeats and holes (`deliver`), and a lost tail (`check`).

mod check;
mod coalesce;
mod deliver;
mod resync;

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kernel::{ErrorKind, Problem};
use live::{Bus, Incoming, Topic, TopicSource};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use web::Authenticator;

use crate::metrics::METRICS;
use crate::outlet::{Outlet, Why};
use coalesce::{Pace, Pending};

pub(crate) use deliver::Event;

/// Locks among which topics are spread.
const SHARDS: usize = 64;

pub struct Hub {
    bus: Arc<dyn Bus>,
    authenticator: Arc<dyn Authenticator>,
    sources: Vec<Arc<dyn TopicSource>>,
    shards: [Mutex<HashMap<Topic, Stream>>; SHARDS],
    epoch: Mutex<Epoch>,
    connections: Mutex<HashMap<u64, Arc<Outlet>>>,
    /// Every topic may have moved without this node hearing of it.
    suspect: tokio::sync::Notify,
    /// Topics whose last events wait for more.
    pending: Pending,
    topics_per_connection: usize,
}

/// The memory that the bus's numbers belong to. `nth` counts changes, so that streams can tell theirs cheaply.
#[derive(Clone)]
struct Epoch {
    name: Arc<str>,
    nth: u32,
}

/// One topic on this node.
struct Stream {
    phase: Phase,
    /// Number of the last event that was handed out.
    last: u64,
    /// Number of the latest event that was heard of, while `last` is not known.
    heard: u64,
    epoch: u32,
    subscribers: Vec<Arc<Outlet>>,
    pace: Pace,
    /// Events that wait because an earlier one is being worked on. While it is there, one task works.
    backlog: Option<VecDeque<Incoming>>,
    /// The worker is to fetch what follows `last`.
    refill: bool,
    /// Checks in a row that found no subscriber.
    deserted: u8,
}

enum Phase {
    /// The bus is being asked. These wait for it.
    Entering(Vec<oneshot::Sender<()>>),
    Followed,
    /// The bus is being told that nobody follows any more. These came too late to stop that.
    Leaving(Vec<oneshot::Sender<()>>),
}

impl Stream {
    const fn entering(waiters: Vec<oneshot::Sender<()>>) -> Self {
        Self {
            phase: Phase::Entering(waiters),
            last: 0,
            heard: 0,
            epoch: 0,
            subscribers: Vec::new(),
            pace: Pace::new(),
            backlog: None,
            refill: false,
            deserted: 0,
        }
    }

    /// Followed, and nothing is being worked on.
    const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Followed) && self.backlog.is_none()
    }
}

impl Hub {
    pub fn new(
        bus: Arc<dyn Bus>,
        authenticator: Arc<dyn Authenticator>,
        sources: Vec<Arc<dyn TopicSource>>,
        topics_per_connection: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            bus,
            authenticator,
            sources,
            shards: std::array::from_fn(|_| Mutex::default()),
            epoch: Mutex::new(Epoch { name: "".into(), nth: 0 }),
            connections: Mutex::default(),
            suspect: tokio::sync::Notify::new(),
            pending: Pending::default(),
            topics_per_connection,
        })
    }

    pub fn bus(&self) -> &dyn Bus {
        &*self.bus
    }

    pub fn register(&self, outlet: &Arc<Outlet>) {
        self.connections.lock().insert(outlet.id, Arc::clone(outlet));
    }

    pub fn forget(&self, outlet: &Outlet) {
        outlet.leave();
        self.connections.lock().remove(&outlet.id);
    }

    pub fn connections(&self) -> Vec<Arc<Outlet>> {
        self.connections.lock().values().cloned().collect()
    }

    /// The epoch that positions of this node belong to.
    pub fn epoch(&self) -> Arc<str> {
        Arc::clone(&self.epoch.lock().name)
    }

    /// Topics that a person's connections follow besides the person's own.
    pub async fn topics_of(&self, user: kernel::UserId) -> Result<Vec<Topic>, Problem> {
        let mut topics = Vec::new();
        for source in &self.sources {
            topics.extend(source.topics(user).await?);
        }
        Ok(topics)
    }

    /// Which of `wished` a person may follow besides.
    pub async fn allowed(&self, user: kernel::UserId, wished: &[Topic]) -> Result<Vec<Topic>, Problem> {
        let mut allowed = Vec::new();
        if !wished.is_empty() {
            for source in &self.sources {
                allowed.extend(source.allowed(user, wished).await?);
            }
        }
        Ok(allowed)
    }

    /// Makes `outlet` follow `topics`, and says where each stands: every later event will be in the outlet's queue.
    pub async fn attach(
        self: &Arc<Self>,
        outlet: &Arc<Outlet>,
        topics: &[Topic],
        why: Why,
    ) -> Result<Vec<(Topic, u64)>, Problem> {
        if why == Why::Asked {
            let more = topics.iter().filter(|topic| !outlet.follows(**topic)).count();
            if outlet.topic_count() + more > self.topics_per_connection {
                let message = "This connection follows as many topics as it may.";
                return Err(Problem::new(ErrorKind::TooLarge, "too_many_topics", message));
            }
        }
        let mut positions = Vec::with_capacity(topics.len());
        let mut missing = topics.to_vec();
        loop {
            missing.retain(|&topic| match self.attach_to_followed(outlet, topic, why) {
                Some(position) => {
                    positions.push((topic, position));
                    false
                }
                None => true,
            });
            if missing.is_empty() {
                return Ok(positions);
            }
            // A topic may be left again between being followed and being attached to: hence the loop.
            self.follow(&missing).await?;
        }
    }

    pub fn detach(&self, outlet: &Arc<Outlet>, topic: Topic) {
        if !outlet.remove(topic) {
            return;
        }
        let mut shard = self.shard(&topic).lock();
        if let Some(stream) = shard.get_mut(&topic)
            && let Some(at) = stream.subscribers.iter().position(|other| Arc::ptr_eq(other, outlet))
        {
            stream.subscribers.swap_remove(at);
            // What it waits for is no longer this topic's concern.
            outlet.queue().nudge();
        }
    }

    /// Where a topic stands, if this node follows it.
    pub fn position(&self, topic: Topic) -> Option<u64> {
        let shard = self.shard(&topic).lock();
        shard.get(&topic).filter(|stream| matches!(stream.phase, Phase::Followed)).map(|stream| stream.last)
    }

    fn attach_to_followed(&self, outlet: &Arc<Outlet>, topic: Topic, why: Why) -> Option<u64> {
        let mut shard = self.shard(&topic).lock();
        let stream = shard.get_mut(&topic).filter(|stream| matches!(stream.phase, Phase::Followed))?;
        if outlet.add(topic, why) {
            stream.subscribers.push(Arc::clone(outlet));
            stream.deserted = 0;
        }
        Some(stream.last)
    }

    /// Makes this node follow `topics`. When it returns well, it did for a moment at least.
    async fn follow(self: &Arc<Self>, topics: &[Topic]) -> Result<(), Problem> {
        let mut answers = Vec::with_capacity(topics.len());
        for &topic in topics {
            let (done, answer) = oneshot::channel();
            let mut shard = self.shard(&topic).lock();
            match shard.get_mut(&topic).map(|stream| &mut stream.phase) {
                Some(Phase::Followed) => continue,
                Some(Phase::Entering(waiters) | Phase::Leaving(waiters)) => waiters.push(done),
                None => {
                    shard.insert(topic, Stream::entering(vec![done]));
                    // On a task of its own: others may come to wait for it, and whoever asked first may go.
                    tokio::spawn(Arc::clone(self).enter(topic));
                }
            }
            answers.push(answer);
        }
        for answer in answers {
            answer.await.map_err(|_| {
                let message = "Live delivery is interrupted; try again.";
                Problem::new(ErrorKind::Unavailable, "store_unavailable", message)
            })?;
        }
        Ok(())
    }

    async fn enter(self: Arc<Self>, topic: Topic) {
        let position = self.bus.follow(topic).await;
        let mut shard = self.shard(&topic).lock();
        let position = match position {
            Ok(position) => position,
            Err(error) => {
                tracing::warn!(%topic, %error, "cannot follow a topic");
                // Drops who waits, which tells them.
                shard.remove(&topic);
                return;
            }
        };
        let epoch = self.adopt(&position.epoch);
        let Some(stream) = shard.get_mut(&topic) else { return };
        let Phase::Entering(waiters) = std::mem::replace(&mut stream.phase, Phase::Followed) else { return };
        stream.last = position.offset;
        stream.epoch = epoch.nth;
        METRICS.topics.inc();
        if stream.heard > stream.last {
            // Published between the bus's two answers.
            self.refill(topic, stream, "entering");
        }
        for waiter in waiters {
            // Whoever waited may have gone.
            let _ = waiter.send(());
        }
    }

    async fn leave(self: Arc<Self>, topic: Topic) {
        self.bus.unfollow(topic).await;
        METRICS.topics.dec();
        let mut shard = self.shard(&topic).lock();
        let waiters = match shard.remove(&topic).map(|stream| stream.phase) {
            Some(Phase::Leaving(waiters)) => waiters,
            _ => Vec::new(),
        };
        if !waiters.is_empty() {
            shard.insert(topic, Stream::entering(waiters));
            tokio::spawn(Arc::clone(&self).enter(topic));
        }
    }

    /// Takes `name` for the epoch when there is none yet; another one than before is looked into.
    fn adopt(&self, name: &Arc<str>) -> Epoch {
        let mut epoch = self.epoch.lock();
        if epoch.name.is_empty() {
            epoch.name = Arc::clone(name);
        } else if !Arc::ptr_eq(&epoch.name, name) && epoch.name != *name {
            self.suspect.notify_one();
        }
        epoch.clone()
    }

    fn shard(&self, topic: &Topic) -> &Mutex<HashMap<Topic, Stream>> {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        &self.shards[hasher.finish() as usize % SHARDS]
    }
}
