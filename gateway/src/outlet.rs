//! The side of a connection that the rest of the node sees: a queue to write into, and what it follows.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use kernel::Timestamp;
use live::{Peer, Topic};
use parking_lot::{Mutex, MutexGuard};

use crate::close::Close;
use crate::commands::Job;
use crate::frame::Wire;
use crate::queue::{Class, Queue};

/// One connection, shared by its task, the hub and the commands that it runs.
#[derive(Debug)]
pub struct Outlet {
    /// Unique among all connections of all nodes.
    pub id: u64,
    peer: OnceLock<Peer>,
    queue: Mutex<Queue>,
    following: Mutex<Following>,
    gone: AtomicBool,
    /// When the access token expires, in milliseconds since 1970.
    expires_at: AtomicI64,
    pub in_flight: AtomicUsize,
    pub lane: Mutex<Lane>,
}

/// Commands that wait for an earlier one. While it is `running`, one task works them off.
#[derive(Debug, Default)]
pub struct Lane {
    pub running: bool,
    pub waiting: VecDeque<Job>,
}

/// Why a connection follows a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It comes with who the person is: the person's own topic, rooms.
    Belongs,
    /// A command asked for it, for as long as the connection lasts.
    Asked,
}

/// The topics of one connection, sorted.
#[derive(Debug, Default)]
struct Following {
    topics: Vec<(Topic, Why)>,
    /// Left while the connection was being identified, by orders that the list of topics does not know of yet.
    barred: Option<Vec<Topic>>,
}

/// Events of a connection are kept back while this lives.
#[derive(Debug)]
pub struct Hold(Arc<Outlet>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.queue.lock().release();
    }
}

impl Outlet {
    pub fn new() -> Self {
        Self {
            id: rand::random(),
            peer: OnceLock::new(),
            queue: Mutex::default(),
            following: Mutex::default(),
            gone: AtomicBool::new(false),
            expires_at: AtomicI64::new(i64::MAX),
            in_flight: AtomicUsize::new(0),
            lane: Mutex::default(),
        }
    }

    /// Who is there, once identified.
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.get()
    }

    /// Fixes who is there. `false` when that is done already.
    pub fn identified_as(&self, peer: Peer) -> bool {
        self.peer.set(peer).is_ok()
    }

    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }

    /// Keeps events back until the guard is dropped: what says where a topic stands comes before its events.
    pub fn hold(self: &Arc<Self>) -> Hold {
        self.queue.lock().hold();
        Hold(Arc::clone(self))
    }

    pub fn push(&self, class: Class, wire: Wire) -> bool {
        self.queue.lock().push(class, wire)
    }

    pub fn close(&self, why: Close) {
        self.queue.lock().close(why);
    }

    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// After this nothing is delivered; the hub forgets the outlet when it comes across it.
    pub fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
        self.following.lock().topics = Vec::new();
        *self.queue.lock() = Queue::default();
    }

    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_at.load(Ordering::Relaxed))
    }

    pub fn expires(&self, at: Timestamp) {
        self.expires_at.store(at.as_millis(), Ordering::Relaxed);
    }

    /// Notes that the connection follows `topic`. `false` when it did already, or must not.
    pub fn add(&self, topic: Topic, why: Why) -> bool {
        let mut following = self.following.lock();
        if self.is_gone() || following.barred.as_ref().is_some_and(|barred| barred.contains(&topic)) {
            return false;
        }
        match following.topics.binary_search_by_key(&topic, |(topic, _)| *topic) {
            Ok(at) => {
                if why == Why::Belongs {
                    following.topics[at].1 = why;
                }
                false
            }
            Err(at) => {
                following.topics.insert(at, (topic, why));
                true
            }
        }
    }

    /// Notes that the connection no longer follows `topic`. `false` when it did not.
    pub fn remove(&self, topic: Topic) -> bool {
        let mut following = self.following.lock();
        if let Some(barred) = &mut following.barred {
            barred.push(topic);
        }
        match following.topics.binary_search_by_key(&topic, |(topic, _)| *topic) {
            Ok(at) => {
                following.topics.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    pub fn follows(&self, topic: Topic) -> bool {
        self.following.lock().topics.binary_search_by_key(&topic, |(topic, _)| *topic).is_ok()
    }

    /// While identifying: orders to leave a topic count even when they come before the topic is followed.
    pub fn bar_what_is_left(&self, on: bool) {
        let mut following = self.following.lock();
        following.barred = on.then(Vec::new);
        if !on {
            following.topics.shrink_to_fit();
        }
    }

    /// Whether `identify` is at work on this connection.
    pub fn is_entering(&self) -> bool {
        self.following.lock().barred.is_some()
    }

    pub fn topics(&self) -> Vec<(Topic, Why)> {
        self.following.lock().topics.clone()
    }

    pub fn topic_count(&self) -> usize {
        self.following.lock().topics.len()
    }
}
