//! What the tests play on: the service with its stores, its routes behind the real edge, and a small town of people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use graph::{People, Service, Talk};
use http::Method;
use kernel::{Clock, Ctx, Problem, RequestId, SessionId, StoreError, Timestamp, UserId};
use live::bus::{Bus, Incoming, LocalBus, Window};
use live::{Control, Topic};
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::contract::Validator;
use schemas::graph::Relation;
use serde_json::Value;
use uuid::Uuid;
use web::testing::{Answer, Ask, Door};

/// Longest wait for something that is bound to happen.
const DEADLINE: Duration = Duration::from_secs(60);

/// Everybody; cleo is private.
pub const ADA: UserId = person(1);
pub const BEN: UserId = person(2);
pub const CLEO: UserId = person(3);
pub const DANA: UserId = person(4);
const TOWN: [(UserId, &str); 4] = [(ADA, "ada"), (BEN, "ben"), (CLEO, "cleo"), (DANA, "dana")];

/// Somebody by number: the town first, then a crowd that is called p5, p6, …
pub const fn person(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn summary(id: UserId) -> PersonSummary {
    let known = TOWN.iter().find(|(known, _)| *known == id);
    let handle = known.map_or_else(|| format!("p{:03}", id.uuid().as_u128()), |(_, handle)| (*handle).to_owned());
    PersonSummary { id, name: handle.clone(), handle, private: id == CLEO }
}

struct Town;

/// Whose talk was ended, and whether that fails for now.
#[derive(Default)]
pub struct Parted {
    pub pairs: Mutex<Vec<(UserId, UserId)>>,
    pub fails: AtomicBool,
}

#[async_trait]
impl Talk for Parted {
    async fn parted(&self, one: UserId, other: UserId) -> Result<(), Problem> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Problem::from(StoreError::unavailable("told to fail")));
        }
        self.pairs.lock().unwrap().push((one, other));
        Ok(())
    }
}

#[async_trait]
impl People for Town {
    async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Problem> {
        let by_id = who.parse().ok().filter(|id: &UserId| id.uuid().as_u128() < 100_000);
        let by_handle = || {
            let crowd = who.strip_prefix('p').and_then(|number| number.parse().ok()).map(person);
            TOWN.iter().find(|(_, handle)| *handle == who).map(|(id, _)| *id).or(crowd)
        };
        Ok(by_id.or_else(by_handle).map(summary))
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(ids.iter().map(|id| (*id, summary(*id))).collect())
    }
}

pub struct Stage {
    pub db: Db,
    pub service: Arc<Service>,
    pub clock: Clock,
    pub bus: Arc<LocalBus>,
    pub parted: Arc<Parted>,
    door: Door,
}

impl Stage {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let clock = Clock::manual(Timestamp::from_millis(1_770_000_000_000));
        let bus = Arc::new(LocalBus::new(Window::default()));
        let parted = Arc::new(Parted::default());
        let service = Service::new(db.clone(), bus.clone(), Arc::new(Town), parted.clone());
        let door = Door::new(&db, &clock, graph::routes(service.clone()));
        Self { db, service, clock, bus, parted, door }
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.clock.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    pub async fn follow(&self, who: UserId, whom: UserId) -> Relation {
        self.clock.advance(Duration::from_secs(1));
        self.service.follow(&self.ctx(who), &whom.to_string()).await.unwrap()
    }

    pub async fn act(&self, who: UserId, whom: UserId, act: graph::model::Act) -> Result<Relation, graph::Error> {
        self.service.change(&self.ctx(who), &whom.to_string(), act).await
    }

    /// What `viewer` sees; `None` is a block.
    pub async fn relation(&self, viewer: UserId, person: UserId) -> Option<Relation> {
        self.service.view(viewer, person).await.unwrap().map(|(_, relation)| relation)
    }

    /// Followers and followings.
    pub async fn counts(&self, user: UserId) -> (u64, u64) {
        let counts = self.service.counts(user).await.unwrap();
        (counts.followers, counts.following)
    }

    pub async fn listen(&self, users: &[UserId]) -> Ear {
        for user in users {
            self.bus.follow(Topic::User(*user)).await.unwrap();
        }
        Ear(self.bus.incoming().expect("one ear a test"))
    }

    /// The events that wait in the outbox, in order: kind, source, target.
    pub async fn outbox(&self) -> Vec<(String, UserId, UserId)> {
        let rows: Vec<(String, Value)> =
            sqlx::query_as("SELECT kind, payload FROM outbox ORDER BY seq").fetch_all(self.db.pool()).await.unwrap();
        let id = |payload: &Value, end: &str| payload[end].as_str().unwrap().parse().unwrap();
        rows.into_iter().map(|(kind, payload)| (kind, id(&payload, "source"), id(&payload, "target"))).collect()
    }

    pub async fn kinds(&self) -> Vec<String> {
        self.outbox().await.into_iter().map(|(kind, ..)| kind).collect()
    }

    /// Sends a request of `who`, and checks the answer against openapi.
    pub async fn send(&self, method: Method, path: &str, who: Option<UserId>) -> Answer {
        self.door.send(Ask::new(method, path).by(who)).await
    }
}

/// Whom a list lists.
pub fn handles(list: &Answer) -> Vec<&str> {
    let items = list.body["items"].as_array().unwrap_or_else(|| panic!("a list: {list:?}"));
    items.iter().map(|item| item["person"]["handle"].as_str().unwrap()).collect()
}

pub struct Ear(tokio::sync::mpsc::Receiver<Incoming>);

impl Ear {
    /// The next thing heard: on whose topic, its orders, and the event's body, found to be as asyncapi says.
    pub async fn next(&mut self) -> (Topic, Vec<Control>, Value) {
        let heard = tokio::time::timeout(DEADLINE, self.0.recv()).await.expect("something to hear").unwrap();
        let (topic, pos, event): (_, _, live::UserEvent) = match heard {
            Incoming::Event { topic, publication, .. } => {
                (topic, publication.offset, serde_json::from_slice(&publication.event).unwrap())
            }
            Incoming::Control { topic, event } => (topic, 0, event),
            other => panic!("{other:?}"),
        };
        let body: Value = event.body.map_or(Value::Null, |body| serde_json::from_str(body.get()).unwrap());
        if !body.is_null() {
            let frame = serde_json::json!({ "t": "event", "topic": topic, "pos": pos, "d": body });
            if let Err(difference) = Validator::shared().frame(&frame.to_string(), None) {
                panic!("{difference}");
            }
        }
        (topic, event.control, body)
    }

    pub fn is_silent(&mut self) -> bool {
        self.0.try_recv().is_err()
    }
}
