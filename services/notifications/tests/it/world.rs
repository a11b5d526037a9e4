//! People, what they published, and the service under test.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use kernel::{Clock, ContentId, ContentKind, Ctx, EventId, PageSize, Problem, RequestId, SessionId, Timestamp, UserId};
use live::Topic;
use live::bus::{Bus as _, Incoming, LocalBus, Window};
use notifications::{Contents, Glimpse, Listener, People, Service};
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer as _, Delivery};
use schemas::accounts::PersonSummary;
use schemas::contract::Validator;
use schemas::notifications::{Happening, Notification};
use serde_json::{Value, json};
use uuid::Uuid;
use web::testing::{Answer, Ask, Door, StandIn};

/// Longest wait for something that is bound to happen.
const DEADLINE: Duration = Duration::from_secs(60);

pub const ADA: UserId = person(1);
pub const BEN: UserId = person(2);
pub const CLEO: UserId = person(3);
pub const DANA: UserId = person(4);

pub const fn person(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

#[derive(Default)]
struct Known {
    texts: HashMap<ContentId, (UserId, String)>,
    hidden: HashSet<(UserId, ContentId)>,
    unheard: HashSet<(UserId, UserId)>,
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

#[async_trait]
impl Contents for Society {
    async fn visible(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashMap<ContentId, Glimpse>, Problem> {
        self.ask(|known| {
            let seen = ids.iter().filter(|id| !known.hidden.contains(&(viewer, **id)));
            let glimpse = |id: &ContentId| {
                let (author, text) = known.texts.get(id)?.clone();
                Some((*id, Glimpse { author, text }))
            };
            seen.filter_map(glimpse).collect()
        })
    }
}

#[async_trait]
impl People for Society {
    async fn heard(&self, viewer: UserId, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        self.ask(|known| {
            let heard = ids.iter().filter(|id| !known.unheard.contains(&(viewer, **id)));
            let summary = |id: &UserId| {
                let name = format!("p{:03}", id.uuid().as_u128() % 10_000);
                (*id, PersonSummary { id: *id, handle: name.clone(), name, private: false })
            };
            heard.map(summary).collect()
        })
    }
}

pub struct World {
    pub db: Db,
    pub inbox: Arc<Service>,
    pub clock: Clock,
    pub bus: Arc<LocalBus>,
    listener: Listener,
    society: Arc<Society>,
    door: Door,
}

/// What a line says, in short: what, with what, by whom, and how many others.
pub type Short = (Happening, Option<ContentId>, Vec<UserId>, u32);

pub fn short(line: &Notification) -> Short {
    (line.what, line.target, line.people.iter().map(|person| person.id).collect(), line.others)
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let society = Arc::new(Society::default());
        let bus = Arc::new(LocalBus::new(Window::default()));
        let inbox = Service::new(db.clone(), bus.clone(), society.clone(), society.clone());
        let door = Door::new(&db, &clock, notifications::routes(inbox.clone()));
        let listener = Listener(inbox.clone());
        Self { db, inbox, clock, bus, listener, society, door }
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    /// Later than everything before.
    pub fn now(&self) -> Timestamp {
        self.clock.advance(Duration::from_millis(1));
        self.clock.now()
    }

    pub fn publish(&self, author: UserId, kind: ContentKind, text: &str) -> ContentId {
        let id = ContentId::new(kind, self.now());
        self.society.change(|known| known.texts.insert(id, (author, text.to_owned())));
        id
    }

    pub fn hide(&self, viewer: UserId, content: ContentId) {
        self.society.change(|known| known.hidden.insert((viewer, content)));
    }

    /// `viewer` blocks or mutes `person`, or is blocked by them.
    pub fn silence(&self, viewer: UserId, person: UserId) {
        self.society.change(|known| known.unheard.insert((viewer, person)));
    }

    pub fn hear(&self, viewer: UserId, person: UserId) {
        self.society.change(|known| known.unheard.remove(&(viewer, person)));
    }

    pub fn neighbours_away(&self, away: bool) {
        self.society.set_away(away);
    }

    pub async fn tell(&self, kind: &str, payload: Value) -> Result<(), ConsumeError> {
        let now = self.now();
        let event = Delivery {
            id: EventId::new(now),
            kind: kind.to_owned(),
            key: String::new(),
            payload,
            trace: None,
            created_at: now,
            tries: 0,
        };
        assert!(self.listener.wants(kind));
        self.listener.consume(&event).await
    }

    pub async fn engaged(&self, user: UserId, content: ContentId, what: &str, value: Option<&str>, on: bool) {
        let author = self.society.change(|known| known.texts[&content].0);
        let mut event =
            json!({ "content": content, "author": author, "user": user, "what": what, "on": on, "at": self.now() });
        if let Some(value) = value {
            event["value"] = json!(value);
        }
        self.tell("engagement.changed", event).await.unwrap();
    }

    pub async fn likes(&self, user: UserId, content: ContentId) {
        self.engaged(user, content, "reaction", Some("like"), true).await;
    }

    /// Publishes, and tells of it: a comment, when there is something above it.
    pub async fn says(&self, author: UserId, above: Option<(ContentId, ContentId)>, mentions: &[UserId]) -> ContentId {
        let kind = if above.is_some() { ContentKind::Comment } else { ContentKind::Post };
        let content = self.publish(author, kind, "Gladly!");
        self.tell("content.created", self.created(content, author, above, mentions)).await.unwrap();
        content
    }

    pub fn created(
        &self,
        content: ContentId,
        author: UserId,
        above: Option<(ContentId, ContentId)>,
        mentions: &[UserId],
    ) -> Value {
        let mut event = json!({
            "content": content, "kind": content.kind(), "author": author, "audience": "public", "mentions": mentions,
            "hashtags": [], "created_at": content.created_at(),
        });
        if let Some((parent, root)) = above {
            event["parent"] = json!(parent);
            event["root"] = json!(root);
        }
        event
    }

    pub async fn graph(&self, kind: &str, source: UserId, target: UserId) {
        self.tell(kind, json!({ "source": source, "target": target })).await.unwrap();
    }

    pub async fn lines(&self, user: UserId) -> Vec<Notification> {
        self.inbox.inbox(&self.ctx(user), None, PageSize::MAX).await.unwrap().items
    }

    pub async fn shorts(&self, user: UserId) -> Vec<Short> {
        self.lines(user).await.iter().map(short).collect()
    }

    pub async fn unread(&self, user: UserId) -> u32 {
        self.inbox.unread(user).await.unwrap().unread
    }

    /// Lines and acts that are kept, whoever may see them.
    pub async fn kept(&self) -> (i64, i64) {
        sqlx::query_as("SELECT (SELECT count(*) FROM notifications), (SELECT count(*) FROM notification_acts)")
            .fetch_one(self.db.pool())
            .await
            .unwrap()
    }

    pub async fn listen(&self, users: &[UserId]) -> Ear {
        for user in users {
            self.bus.follow(Topic::User(*user)).await.unwrap();
        }
        Ear(self.bus.incoming().expect("one ear a test"))
    }

    /// Sends a request of `who`, and checks the answer against openapi.
    pub async fn send(&self, method: Method, path: &str, who: Option<UserId>, body: Option<Value>) -> Answer {
        self.door.send(Ask::new(method, path).by(who).value(body)).await
    }
}

pub struct Ear(tokio::sync::mpsc::Receiver<Incoming>);

impl Ear {
    /// The next event heard: on whose topic, and its body, found to be as asyncapi says.
    pub async fn next(&mut self) -> (Topic, Value) {
        let heard = tokio::time::timeout(DEADLINE, self.0.recv()).await.expect("something to hear").unwrap();
        let Incoming::Event { topic, publication, .. } = heard else { panic!("{heard:?}") };
        let event: live::UserEvent = serde_json::from_slice(&publication.event).unwrap();
        let body: Value = serde_json::from_str(event.body.unwrap().get()).unwrap();
        let frame = json!({ "t": "event", "topic": topic, "pos": publication.offset, "d": body });
        if let Err(difference) = Validator::shared().frame(&frame.to_string(), None) {
            panic!("{difference}");
        }
        (topic, body)
    }

    pub fn is_silent(&mut self) -> bool {
        self.0.try_recv().is_err()
    }
}
