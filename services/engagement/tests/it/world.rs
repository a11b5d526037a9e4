//! People, what they published, and the service under test.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engagement::{Contents, Keeper, People, Report, Seen, Service};
use http::Method;
use kernel::{Clock, ContentId, ContentKind, Ctx, EventId, Problem, RequestId, SessionId, Timestamp, UserId};
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer as _, Delivery};
use schemas::content::Content;
use schemas::engagement::{Engagement, View, ViewBatch};
use serde_json::{Value, json};
use uuid::Uuid;
use web::testing::{Answer, Ask, Door, StandIn, Town};

#[derive(Default)]
struct Known {
    town: Town,
    authors: HashMap<ContentId, UserId>,
    parents: HashMap<ContentId, ContentId>,
    /// What these people may not see.
    hidden: HashSet<(UserId, ContentId)>,
}

/// Answers as content, accounts and the graph do.
#[derive(Default)]
struct Society(StandIn<Known>);

impl Deref for Society {
    type Target = StandIn<Known>;

    fn deref(&self) -> &StandIn<Known> {
        &self.0
    }
}

impl Known {
    fn content(&self, id: ContentId) -> Content {
        let author = self.town.summary(self.authors[&id]);
        serde_json::from_value(json!({
            "id": id, "kind": id.kind(), "author": author, "text": "Tea at noon?", "mentions": [],
            "hashtags": [], "audience": "public", "created_at": id.created_at(), "version": 1,
        }))
        .unwrap()
    }
}

#[async_trait]
impl Contents for Society {
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<Vec<Content>, Problem> {
        self.ask(|known| {
            let may_see = |id: &&ContentId| {
                let author = known.authors.get(*id);
                author.is_some_and(|author| !known.town.blocked(viewer, *author))
                    && !known.hidden.contains(&(viewer, **id))
            };
            ids.iter().filter(may_see).map(|id| known.content(*id)).collect()
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
            let seen = |id: &UserId| {
                let person = known.town.summary(*id);
                Seen { is_open: !person.private || *id == viewer, person }
            };
            ids.iter().filter(|id| !known.town.blocked(viewer, **id)).map(|id| (*id, seen(id))).collect()
        })
    }
}

pub struct World {
    pub db: Db,
    pub engagement: Arc<Service>,
    pub clock: Clock,
    keeper: Keeper,
    society: Arc<Society>,
    door: Door,
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let society = Arc::new(Society::default());
        let engagement = Service::new(db.clone(), society.clone(), society.clone());
        let keeper = Keeper { engagement: engagement.clone(), clock: clock.clone() };
        let door = Door::new(&db, &clock, engagement::routes(engagement.clone()));
        Self { db, engagement, clock, keeper, society, door }
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
        self.society.change(|known| known.authors.insert(id, author));
        id
    }

    /// A comment, of which nobody has heard yet.
    pub fn comment(&self, author: UserId, parent: ContentId) -> ContentId {
        let id = self.publish(author, ContentKind::Comment);
        self.society.change(|known| known.parents.insert(id, parent));
        id
    }

    pub fn withdraw(&self, content: ContentId) {
        self.society.change(|known| known.authors.remove(&content));
    }

    pub fn hide(&self, viewer: UserId, content: ContentId) {
        self.society.change(|known| known.hidden.insert((viewer, content)));
    }

    pub fn block(&self, source: UserId, target: UserId) {
        self.society.change(|known| known.town.blocks.insert((source, target)));
    }

    pub fn private(&self, user: UserId) {
        self.society.change(|known| known.town.private.insert(user));
    }

    pub fn neighbours_away(&self) {
        self.society.set_away(true);
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
        self.door.send(Ask::new(method, path).by(who).value(body)).await
    }
}
