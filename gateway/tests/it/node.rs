//! A node to test, and the little world around it.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use gateway::{Gateway, Limits, Parts};
use kernel::{Clock, Ctx, ErrorKind, Problem, RoomId, SessionId, Timestamp, UserId};
use live::bus::{LocalBus, Window};
use live::{
    Bus, CommandError, CommandSet, Commands, Control, Incoming, Lifecycle, Peer, Reply, Topic, TopicSource, UserEvent,
};
use parking_lot::Mutex;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use web::{Authenticator, Verified};

use crate::client::Client;
use crate::counted::Counted;

/// What all nodes of a test share: sessions, memberships, and who has come and gone.
pub struct World {
    pub clock: Clock,
    revoked: Mutex<BTreeSet<SessionId>>,
    rooms: Mutex<HashMap<UserId, Vec<Topic>>>,
    /// Connections that were opened and not closed, with the presence they asked for.
    pub present: watch::Sender<Vec<(Peer, Option<String>)>>,
    /// What `test.wait` waits for, and who is slow to arrive.
    pub gate: Semaphore,
    /// Whose `identify` waits for the gate.
    pub slow: Mutex<Option<UserId>>,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::system(),
            revoked: Mutex::default(),
            rooms: Mutex::default(),
            present: watch::Sender::default(),
            gate: Semaphore::new(0),
            slow: Mutex::default(),
        })
    }

    pub fn join(&self, user: UserId, room: Topic) {
        self.rooms.lock().entry(user).or_default().push(room);
    }

    pub fn part(&self, user: UserId, room: Topic) {
        self.rooms.lock().entry(user).or_default().retain(|other| *other != room);
    }

    pub fn revoke(&self, session: SessionId) {
        self.revoked.lock().insert(session);
    }
}

/// A person with one log-in.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub user: UserId,
    pub session: SessionId,
}

impl Person {
    pub fn new() -> Self {
        let now = Clock::system().now();
        Self { user: UserId::new(now), session: SessionId::new(now) }
    }

    pub fn topic(self) -> Topic {
        Topic::User(self.user)
    }

    /// A token of this session for so many seconds.
    pub fn token(self, seconds: i64) -> String {
        let expires = Clock::system().now().as_millis() + seconds * 1000;
        format!("{}.{}.{expires}", self.user, self.session)
    }
}

#[async_trait]
impl Authenticator for World {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        let refused = || Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "No.");
        if token == "store-down" {
            return Err(Problem::new(ErrorKind::Unavailable, "store_unavailable", "Not now."));
        }
        let mut parts = token.split('.');
        let mut next = || parts.next().ok_or_else(refused);
        let user = next()?.parse().map_err(|_| refused())?;
        let session = next()?.parse().map_err(|_| refused())?;
        let expires_at = Timestamp::from_millis(next()?.parse().map_err(|_| refused())?);
        if expires_at <= now || self.revoked.lock().contains(&session) {
            return Err(refused());
        }
        Ok(Verified { user, session, expires_at })
    }

    async fn stands(&self, session: SessionId) -> Result<bool, Problem> {
        Ok(!self.revoked.lock().contains(&session))
    }
}

#[async_trait]
impl TopicSource for World {
    async fn topics(&self, user: UserId) -> Result<Vec<Topic>, CommandError> {
        Ok(self.rooms.lock().get(&user).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl Lifecycle for World {
    async fn opened(&self, peer: &Peer, presence: Option<&str>) {
        self.present.send_modify(|present| present.push((*peer, presence.map(ToOwned::to_owned))));
        if *self.slow.lock() == Some(peer.user) {
            self.gate.acquire().await.unwrap().forget();
        }
    }

    async fn closed(&self, peer: &Peer) {
        self.present.send_modify(|present| present.retain(|(other, _)| other != peer));
    }
}

#[async_trait]
impl Commands for World {
    fn names(&self) -> &'static [&'static str] {
        &["test.echo", "test.wait", "test.read", "test.fail", "test.panic", "test.follow", "test.unfollow"]
    }

    fn is_read(&self, name: &str) -> bool {
        name == "test.read"
    }

    async fn call(&self, _: &Ctx, _: &Peer, name: &str, data: &RawValue) -> Result<Reply, CommandError> {
        let topics = || serde_json::from_str::<Vec<Topic>>(data.get()).unwrap();
        let reply = Reply::with(&data)?;
        match name {
            "test.wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(reply)
            }
            "test.fail" => {
                let problem = Problem::new(ErrorKind::Conflict, "conflict", "As you wish.").at("/d");
                Err(problem.retry_after(std::time::Duration::from_millis(7)))
            }
            "test.panic" => panic!("as you wish"),
            "test.follow" => Ok(reply.follow(topics())),
            "test.unfollow" => Ok(reply.unfollow(topics())),
            _ => Ok(reply),
        }
    }
}

/// A node that listens.
pub struct Node {
    pub address: SocketAddr,
    pub gateway: Arc<Gateway>,
    pub bus: Arc<dyn Bus>,
    pub world: Arc<World>,
    writes: Arc<AtomicU64>,
    _stop: DropGuard,
}

pub const WINDOW: Window = Window { length: 64, age: std::time::Duration::from_secs(60) };

impl Node {
    /// One node with the usual limits, on a bus of its own.
    pub async fn start() -> Self {
        Self::with(&World::new(), Arc::new(LocalBus::new(WINDOW)), Limits::default()).await
    }

    pub async fn limited(limits: Limits) -> Self {
        Self::with(&World::new(), Arc::new(LocalBus::new(WINDOW)), limits).await
    }

    pub async fn with(world: &Arc<World>, bus: Arc<dyn Bus>, limits: Limits) -> Self {
        let gateway = Gateway::new(Parts {
            bus: Arc::clone(&bus),
            authenticator: world.clone(),
            commands: CommandSet::new([world.clone() as Arc<dyn Commands>]),
            sources: vec![world.clone()],
            lifecycle: vec![world.clone()],
            clock: world.clock.clone(),
            limits,
            origins: vec!["https://app.example.com".to_owned()],
        });
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&gateway).run(stop.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, writes) = (gateway.router(), Arc::new(AtomicU64::new(0)));
        let listener = Counted { listener, writes: Arc::clone(&writes) };
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                () = stopped.cancelled() => {}
            }
        });
        Self { address, gateway, bus, world: Arc::clone(world), writes, _stop: stop.drop_guard() }
    }

    /// How often this node has handed something to the system for its sockets.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Connects and identifies.
    pub async fn connect(&self, person: Person) -> Client {
        let mut client = Client::open(self.address).await;
        let reply = client.identify(person, None).await;
        assert_eq!(reply["status"], "fresh", "{reply}");
        client
    }

    pub async fn publish(&self, topic: Topic, number: u64) {
        publish(&*self.bus, topic, number).await;
    }

    pub async fn order(&self, topic: Topic, control: Control, body: Option<Value>) {
        let body = body.map(|body| to_raw_value(&body).unwrap());
        self.bus.publish(topic, &UserEvent { control: vec![control], body }).await.unwrap();
    }
}

pub async fn publish(bus: &dyn Bus, topic: Topic, number: u64) {
    let body = to_raw_value(&json!({ "type": "test", "n": number })).unwrap();
    bus.publish(topic, &UserEvent { control: Vec::new(), body: Some(body) }).await.unwrap();
}

pub fn room() -> Topic {
    Topic::Room(RoomId::new(Clock::system().now()))
}

/// A bus that loses what it is told to lose on the way to one node.
pub struct Lossy {
    bus: LocalBus,
    pub losing: Arc<std::sync::atomic::AtomicBool>,
}

impl Lossy {
    pub fn new(bus: LocalBus) -> Self {
        Self { bus, losing: Arc::default() }
    }
}

#[async_trait]
impl Bus for Lossy {
    async fn publish(&self, topic: Topic, event: &UserEvent) -> Result<(), live::BusError> {
        self.bus.publish(topic, event).await
    }
    async fn publish_in_order(
        &self,
        topic: Topic,
        seq: u64,
        event: &UserEvent,
    ) -> Result<live::bus::Ordered, live::BusError> {
        self.bus.publish_in_order(topic, seq, event).await
    }
    async fn signal(&self, topic: Topic, signal: &live::Signal) -> Result<(), live::BusError> {
        self.bus.signal(topic, signal).await
    }
    async fn follow(&self, topic: Topic) -> Result<live::Position, live::BusError> {
        self.bus.follow(topic).await
    }
    async fn unfollow(&self, topic: Topic) {
        self.bus.unfollow(topic).await;
    }
    async fn since(&self, topic: Topic, after: &live::Position) -> Result<live::Since, live::BusError> {
        self.bus.since(topic, after).await
    }
    async fn positions(&self, topics: &[Topic]) -> Result<Vec<live::Position>, live::BusError> {
        self.bus.positions(topics).await
    }
    fn incoming(&self) -> Option<tokio::sync::mpsc::Receiver<Incoming>> {
        let mut whole = self.bus.incoming()?;
        let (sender, rest) = tokio::sync::mpsc::channel(1024);
        let losing = Arc::clone(&self.losing);
        tokio::spawn(async move {
            while let Some(item) = whole.recv().await {
                let lost = losing.load(Ordering::SeqCst) && matches!(item, Incoming::Event { .. });
                if !lost && sender.send(item).await.is_err() {
                    return;
                }
            }
        });
        Some(rest)
    }
}
