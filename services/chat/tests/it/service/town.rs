//! A town whose people talk: a service, a bus that is listened to, and people who know and block each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat::log::{MessageLog, postgres::Postgres};
use chat::{People, Saying, Service};
use kernel::{Clock, Ctx, Problem, RequestId, RoomId, SessionId, Timestamp, UserId};
use live::bus::{LocalBus, Window};
use live::{Bus, Control, Incoming, Topic, UserEvent};
use parking_lot::Mutex;
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::chat as wire;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

pub struct Town {
    pub db: Db,
    pub chat: Arc<Service>,
    pub bus: Arc<dyn Bus>,
    pub log: Arc<dyn MessageLog>,
    pub people: Arc<Register>,
    pub clock: Clock,
    ear: tokio::sync::Mutex<mpsc::Receiver<Incoming>>,
}

/// Who lives here, and who blocks whom.
#[derive(Default)]
pub struct Register {
    handles: Mutex<BTreeMap<String, UserId>>,
    blocks: Mutex<BTreeSet<(UserId, UserId)>>,
    /// Questions after blocks between two.
    pub asked: AtomicUsize,
}

impl Register {
    pub fn block(&self, one: UserId, other: UserId) {
        self.blocks.lock().insert((one, other));
    }
}

#[async_trait]
impl People for Register {
    async fn blocked(&self, one: UserId, other: UserId) -> Result<bool, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let blocks = self.blocks.lock();
        Ok(blocks.contains(&(one, other)) || blocks.contains(&(other, one)))
    }

    async fn blocked_among(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, Problem> {
        let blocks = self.blocks.lock();
        let is_blocked = |other: &&UserId| blocks.contains(&(one, **other)) || blocks.contains(&(**other, one));
        Ok(others.iter().filter(is_blocked).copied().collect())
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        let handles = self.handles.lock();
        let known = handles.iter().filter(|(_, id)| ids.contains(id));
        let summary = |(handle, id): (&String, &UserId)| {
            let (handle, name) = (handle.clone(), handle.clone());
            (*id, PersonSummary { id: *id, handle, name, private: false })
        };
        Ok(known.map(summary).collect())
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        let known = self.handles.lock();
        Ok(handles.iter().filter_map(|handle| Some(((*handle).to_owned(), *known.get(*handle)?))).collect())
    }
}

/// What was heard on a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub topic: Topic,
    pub control: Vec<Control>,
    pub body: Value,
}

impl Heard {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }
}

impl Town {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let log: Arc<dyn MessageLog> = Postgres::new(db.clone());
        Self::with(db, log, |bus| bus)
    }

    /// A town over another log, or with a wrapped bus, or another.
    pub fn with(db: Db, log: Arc<dyn MessageLog>, wrap: impl FnOnce(Arc<dyn Bus>) -> Arc<dyn Bus>) -> Self {
        let bus = wrap(Arc::new(LocalBus::new(Window::default())));
        let ear = bus.incoming().unwrap();
        let people = Arc::new(Register::default());
        let chat = Service::new(db.clone(), Arc::clone(&log), Arc::clone(&bus), people.clone());
        let clock = Clock::manual(Timestamp::from_millis(1_772_442_000_000));
        Self { db, chat, bus, log, people, clock, ear: tokio::sync::Mutex::new(ear) }
    }

    pub fn person(&self, handle: &str) -> UserId {
        let id = UserId::new(self.clock.now());
        self.people.handles.lock().insert(handle.to_owned(), id);
        id
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.clock.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub async fn direct(&self, one: UserId, other: UserId) -> RoomId {
        self.chat.create(&self.ctx(one), wire::RoomCreate::Direct { user: other }).await.unwrap().id
    }

    pub async fn group(&self, owner: UserId, members: &[UserId]) -> RoomId {
        let wish = wire::RoomCreate::Group { name: "Tea room".to_owned(), members: members.to_vec() };
        self.chat.create(&self.ctx(owner), wish).await.unwrap().id
    }

    pub async fn channel(&self, owner: UserId, posting: wire::Posting) -> RoomId {
        let wish = wire::RoomCreate::Channel { name: "Live".to_owned(), posting };
        self.chat.create(&self.ctx(owner), wish).await.unwrap().id
    }

    pub async fn say(&self, user: UserId, room: RoomId, text: &str) -> wire::Message {
        self.try_say(user, room, text).await.unwrap().message
    }

    pub async fn try_say(&self, user: UserId, room: RoomId, text: &str) -> Result<wire::MessageSent, chat::Error> {
        let saying =
            Saying { room, client_id: Uuid::now_v7(), text: text.to_owned(), reply_to: None, made_after: None };
        self.chat.send(&self.ctx(user), saying).await
    }

    pub async fn membership(&self, user: UserId, room: RoomId) -> wire::Membership {
        self.chat.room(&self.ctx(user), room).await.unwrap().membership.unwrap()
    }

    pub async fn follow(&self, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.bus.follow(topic).await.unwrap();
        }
    }

    /// The next thing that is heard.
    pub async fn hear(&self) -> Heard {
        let heard = tokio::time::timeout(Duration::from_secs(60), async { self.ear.lock().await.recv().await });
        match heard.await.expect("something to hear in time").expect("a bus that lives") {
            Incoming::Event { topic, publication, .. } => {
                let event: UserEvent = serde_json::from_slice(&publication.event).unwrap();
                let body = event.body.map_or(Value::Null, |body| serde_json::from_str(body.get()).unwrap());
                Heard { topic, control: event.control, body }
            }
            Incoming::Control { topic, event } => Heard { topic, control: event.control, body: Value::Null },
            Incoming::Signal { topic, signal } => {
                let body = serde_json::from_str(signal.body.get()).unwrap();
                Heard { topic, control: Vec::new(), body }
            }
            Incoming::Suspect => panic!("a bus that lost something"),
        }
    }

    /// The types of the next things that are heard.
    pub async fn hear_kinds(&self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.hear().await.kind().to_owned());
        }
        kinds
    }

    /// Whether there is nothing to hear. Events of a local bus are there when their publisher returns.
    pub async fn is_quiet(&self) -> bool {
        self.ear.lock().await.is_empty()
    }
}

/// The code of a failure.
pub fn code<T: std::fmt::Debug>(outcome: Result<T, chat::Error>) -> &'static str {
    kernel::Fail::code(&outcome.unwrap_err())
}
