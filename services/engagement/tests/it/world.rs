//! People, what they published, and the service under test.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use engagement::{Contents, Keeper, People, Report, Seen, Service};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{
    Clock, ContentId, ContentKind, Ctx, ErrorKind, EventId, Problem, RequestId, SessionId, Timestamp, UserId,
};
use live::limiter::Local;
use parking_lot::Mutex;
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer as _, Delivery};
use schemas::accounts::PersonSummary;
use schemas::content::Content;
use schemas::contract::Validator;
use schemas::engagement::{Engagement, View, ViewBatch};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;
use web::{Authenticator, Edge, Verified};

#[derive(Default)]
struct Known {
    authors: HashMap<ContentId, UserId>,
    parents: HashMap<ContentId, ContentId>,
    /// What these people may not see.
    hidden: HashSet<(UserId, ContentId)>,
    blocks: HashSet<(UserId, UserId)>,
    private: HashSet<UserId>,
    away: bool,
}

/// Answers as content, accounts and the graph do.
#[derive(Default)]
struct Society(Mutex<Known>);

impl Society {
    fn ask<T>(&self, answer: impl FnOnce(&Known) -> T) -> Result<T, Problem> {
        let known = self.0.lock();
        if known.away {
            return Err(Problem::new(ErrorKind::Unavailable, "store_unavailable", "away"));
        }
        Ok(answer(&known))
    }
}

pub fn summary(id: UserId, private: bool) -> PersonSummary {
    let name = format!("p{:03}", id.uuid().as_u128() % 1_000);
    PersonSummary { id, handle: name.clone(), name, private }
}

fn content(id: ContentId, author: UserId) -> Content {
    serde_json::from_value(json!({
        "id": id, "kind": id.kind(), "author": summary(author, false), "text": "Tea at noon?", "mentions": [],
        "hashtags": [], "audience": "public", "created_at": id.created_at(), "version": 1,
    }))
    .unwrap()
}

#[async_trait]
impl Contents for Society {
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<Vec<Content>, Problem> {
        self.ask(|known| {
            let may_see = |id: &&ContentId| {
                let author = known.authors.get(*id);
                let parted = author.is_some_and(|author| {
                    known.blocks.contains(&(viewer, *author)) || known.blocks.contains(&(*author, viewer))
                });
                author.is_some() && !parted && !known.hidden.contains(&(viewer, **id))
            };
            ids.iter().filter(may_see).map(|id| content(*id, known.authors[id])).collect()
        })
    }

    async fn ancestors(&self, comment: ContentId) -> Result<Vec<ContentId>, Problem> {
        self.ask(|known| {
            std::iter::successors(known.parents.get(&comment), |id| known.parents.get(*id)).copied().collect()
        })
    }
}

#[async_trait]
impl People for Society {
    async fn seen(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, Seen>, Problem> {
        self.ask(|known| {
            let parted = |id: &UserId| known.blocks.contains(&(viewer, *id)) || known.blocks.contains(&(*id, viewer));
            let seen = |id: &UserId| {
                let private = known.private.contains(id);
                Seen { person: summary(*id, private), is_open: !private || *id == viewer }
            };
            ids.iter().filter(|id| !parted(id)).map(|id| (*id, seen(id))).collect()
        })
    }
}

/// A person's id is the token.
struct Trusting;

#[async_trait]
impl Authenticator for Trusting {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        let user = token.parse().map_err(|_| Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "No."))?;
        Ok(Verified { user, session: SessionId::new(now), expires_at: now })
    }

    async fn stands(&self, _: SessionId) -> Result<bool, Problem> {
        Ok(true)
    }
}

pub struct World {
    pub db: Db,
    pub engagement: Arc<Service>,
    pub clock: Clock,
    keeper: Keeper,
    society: Arc<Society>,
    router: Router,
}

/// An answer of a route, found to be as openapi says.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// Status and code: what a failure comes down to.
    pub fn failure(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let society = Arc::new(Society::default());
        let engagement = Service::new(db.clone(), society.clone(), society.clone());
        let keeper = Keeper { engagement: engagement.clone(), clock: clock.clone() };
        let keys = web::idempotency::Keys::new(db.clone(), clock.clone());
        let edge = Edge::new(web::Settings::default(), Arc::new(Trusting), Arc::new(Local::new()), keys, clock.clone());
        let router = edge.router(engagement::routes(engagement.clone()), Router::new());
        Self { db, engagement, clock, keeper, society, router }
    }

    pub fn person(&self, number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    pub fn people<const N: usize>(&self) -> [UserId; N] {
        std::array::from_fn(|number| self.person(number as u128 + 1))
    }

    /// Later than every answer before.
    pub fn ctx(&self, user: UserId) -> Ctx {
        self.clock.advance(Duration::from_millis(1));
        let now = self.clock.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    pub fn publish(&self, author: UserId, kind: ContentKind) -> ContentId {
        let id = ContentId::new(kind, self.clock.now());
        self.society.0.lock().authors.insert(id, author);
        id
    }

    /// A comment, of which nobody has heard yet.
    pub fn comment(&self, author: UserId, parent: ContentId) -> ContentId {
        let id = self.publish(author, ContentKind::Comment);
        self.society.0.lock().parents.insert(id, parent);
        id
    }

    pub fn withdraw(&self, content: ContentId) {
        self.society.0.lock().authors.remove(&content);
    }

    pub fn hide(&self, viewer: UserId, content: ContentId) {
        self.society.0.lock().hidden.insert((viewer, content));
    }

    pub fn block(&self, source: UserId, target: UserId) {
        self.society.0.lock().blocks.insert((source, target));
    }

    pub fn private(&self, user: UserId) {
        self.society.0.lock().private.insert(user);
    }

    pub fn neighbours_away(&self) {
        self.society.0.lock().away = true;
    }

    /// Hands an event to the consumer.
    pub async fn tell(&self, kind: &str, payload: Value) -> Result<(), ConsumeError> {
        let now = self.clock.now();
        let event = Delivery {
            id: EventId::new(now),
            kind: kind.to_owned(),
            key: String::new(),
            payload,
            trace: None,
            created_at: now,
            tries: 0,
        };
        assert!(self.keeper.wants(kind));
        self.keeper.consume(&event).await
    }

    pub async fn created(&self, content: ContentId) {
        self.tell("content.created", json!({ "content": content })).await.unwrap();
    }

    pub async fn deleted(&self, content: ContentId) {
        self.tell("content.deleted", json!({ "content": content })).await.unwrap();
    }

    pub async fn of(&self, viewer: UserId, content: ContentId) -> Engagement {
        self.engagement.of(viewer, &[content]).await.unwrap().remove(&content).unwrap()
    }

    pub async fn look(&self, user: UserId, content: ContentId, request: &str, dwell_ms: u32) {
        let view = View { content, request: request.to_owned(), position: Some(0), dwell_ms };
        self.engagement.view(&self.ctx(user), ViewBatch { views: vec![view] }).await.unwrap();
    }

    pub async fn recount(&self, repair: bool) -> Report {
        engagement::recount(&self.db, repair, |_| {}).await.unwrap()
    }

    pub async fn assert_exact(&self) {
        let report = self.recount(false).await;
        assert_eq!(report.wrong, 0, "{report:?}");
    }

    pub async fn rows(&self, table: &str) -> i64 {
        let sql = match table {
            "engagement_edges" => "SELECT count(*) FROM engagement_edges",
            "engagement_counters" => "SELECT count(*) FROM engagement_counters",
            "impressions" => "SELECT count(*) FROM impressions",
            other => panic!("{other}"),
        };
        sqlx::query_scalar(sql).fetch_one(self.db.pool()).await.unwrap()
    }

    /// Kinds and payloads of all events so far, in the order of their writing.
    pub async fn events(&self) -> Vec<(String, Value)> {
        sqlx::query_as("SELECT kind, payload FROM outbox ORDER BY seq").fetch_all(self.db.pool()).await.unwrap()
    }

    /// Sends a request of `who`, and checks the answer against openapi.
    pub async fn send(&self, method: Method, path: &str, who: Option<UserId>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        if let Some(who) = who {
            request = request.header("authorization", format!("Bearer {who}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([198, 51, 100, 1], 4711))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if let Err(difference) = Validator::shared().answer(&method, path, status, &bytes) {
            panic!("{difference}");
        }
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }
}
