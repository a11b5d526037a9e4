//! A service with a hand on its clock, and somebody who listens on the bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, Ctx, RequestId, SessionId, StoreError, Timestamp, UserId};
use live::bus::{Bus, Incoming, LocalBus, Window};
use live::{Control, Lifecycle as _, Peer, Topic};
use parking_lot::Mutex;
use postgres::Db;
use presence::store::Times;
use presence::store::local::Memory;
use presence::{PresenceStore, Relation, Relations, Service, Timing};
use schemas::presence::{PresenceSignal, State};
use tokio::sync::mpsc;

/// Who is what to whom; strangers with public accounts unless told.
#[derive(Default)]
pub struct Graph(Mutex<HashMap<(UserId, UserId), Relation>>);

impl Graph {
    pub const STRANGER: Relation =
        Relation { exists: true, blocked: false, private: false, follows: false, followed_by: false };

    pub fn set(&self, viewer: UserId, other: UserId, relation: Relation) {
        self.0.lock().insert((viewer, other), relation);
    }
}

#[async_trait]
impl Relations for Graph {
    async fn between(&self, user: UserId, others: &[UserId]) -> Result<Vec<Relation>, StoreError> {
        let known = self.0.lock();
        Ok(others.iter().map(|other| known.get(&(user, *other)).copied().unwrap_or(Self::STRANGER)).collect())
    }
}

pub struct World {
    pub clock: Clock,
    pub graph: Arc<Graph>,
    pub db: Db,
    pub service: Arc<Service>,
    pub bus: Arc<LocalBus>,
    ear: Mutex<mpsc::Receiver<Incoming>>,
    memory: Arc<Memory>,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl World {
    pub async fn new() -> Self {
        let clock = Clock::manual("2026-11-21T10:15:30.250Z".parse().unwrap());
        let db = postgres::testing::fresh().await;
        let (graph, bus) = (Arc::new(Graph::default()), Arc::new(LocalBus::new(Window::default())));
        let ear = Mutex::new(bus.incoming().unwrap());
        let memory = Memory::new(clock.clone(), Times::default());
        let service = node(memory.node(), &db, &bus, &graph, &clock);
        Self { clock, graph, db, service, bus, ear, memory }
    }

    /// Another node of the same cluster.
    pub fn another_node(&self) -> Arc<Service> {
        node(self.memory.node(), &self.db, &self.bus, &self.graph, &self.clock)
    }

    pub fn person(&self) -> UserId {
        UserId::new(self.clock.now())
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let session = SessionId::new(self.clock.now());
        Ctx { user, session, now: self.clock.now(), request: RequestId::random() }
    }

    pub async fn open(&self, user: UserId) -> Peer {
        open_on(&self.service, user, None).await
    }

    /// Lets time pass, and what is due happen.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.service.catch_up().await.unwrap();
    }

    pub async fn listen(&self, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.bus.follow(topic).await.unwrap();
        }
    }

    /// What was signalled since the last call: about whom, and what.
    pub fn heard(&self) -> Vec<(UserId, State)> {
        self.heard_in_full().into_iter().map(|(_, user, state, _)| (user, state)).collect()
    }

    pub fn heard_in_full(&self) -> Vec<(Topic, UserId, State, Timestamp)> {
        let mut heard = Vec::new();
        while let Ok(incoming) = self.ear.lock().try_recv() {
            if let Incoming::Signal { topic, signal } = incoming {
                let PresenceSignal::Changed { user, state, at } = serde_json::from_str(signal.body.get()).unwrap();
                heard.push((topic, user, state, at));
            }
        }
        heard
    }

    /// The orders and signals since the last call, as text, in the order in which they came.
    pub fn heard_with_orders(&self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(incoming) = self.ear.lock().try_recv() {
            match incoming {
                Incoming::Control { topic, event } => {
                    for order in event.control {
                        let Control::Unfollow(from) = order else { panic!("{order:?}") };
                        heard.push(format!("{topic} unfollow {from}"));
                    }
                }
                Incoming::Signal { topic, signal } => {
                    let PresenceSignal::Changed { user, state, .. } = serde_json::from_str(signal.body.get()).unwrap();
                    heard.push(format!("{topic} {user} {state:?}"));
                }
                other => panic!("{other:?}"),
            }
        }
        heard
    }
}

fn node(
    store: Arc<dyn PresenceStore>,
    db: &Db,
    bus: &Arc<LocalBus>,
    graph: &Arc<Graph>,
    clock: &Clock,
) -> Arc<Service> {
    let bus = Arc::clone(bus) as Arc<dyn Bus>;
    Service::new(store, db.clone(), bus, Arc::clone(graph) as Arc<_>, clock.clone(), Timing::default())
}

pub async fn open_on(service: &Service, user: UserId, presence: Option<&str>) -> Peer {
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let peer = Peer { user, session: SessionId::floor(Timestamp::default()), connection };
    service.opened(&peer, presence).await;
    peer
}
