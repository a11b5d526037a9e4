//! People, what is between them, posts, and the feed under test.

use std::sync::Arc;
use std::time::Duration;

use feed::{CassandraTimelines, Distribution, PostgresTimelines, Settings, Timelines, Worker};
use kernel::{Clock, ContentId, ContentKind, Ctx, Cursor, EventId, PageSize, RequestId, SessionId, Timestamp, UserId};
use postgres::Db;
use postgres::outbox::{self, Consumer, Dispatch, OutboxEvent};
use schemas::content::{Audience, PostCreate};
use schemas::feed::FeedItem;

pub use neighbours::{Content, Society, Spectators};

mod neighbours;

/// From so many followers on, authors are pulled, unless a test says otherwise.
pub const PULL_MIN: u64 = 4;

#[derive(Debug, Clone, Copy)]
pub enum Store {
    Postgres,
    Cassandra,
}

impl Store {
    pub async fn open(self, db: &Db) -> Arc<dyn Timelines> {
        match self {
            Self::Postgres => Arc::new(PostgresTimelines::new(db.clone())),
            Self::Cassandra => {
                let db = ::cassandra::testing::shared().await;
                Arc::new(Box::pin(CassandraTimelines::open(db)).await.unwrap())
            }
        }
    }
}

/// Runs each case with timelines in either store.
#[macro_export]
macro_rules! with_each_store {
    ($($case:ident),* $(,)?) => {
        mod postgresql {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::world::Store::Postgres).await;
            })*
        }
        mod cassandra {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::world::Store::Cassandra).await;
            })*
        }
    };
}

/// Authors with so many followers are pulled.
pub fn by_followers(pull_followers_min: u64) -> Settings {
    Settings { distribution: Distribution::Followers, pull_followers_min, ..Settings::default() }
}

/// By the rule of cost, where a row and a look cost the same.
pub fn by_rule() -> Settings {
    Settings { distribution: Distribution::Rule, push_us: Some(1.0), pull_us: Some(1.0), ..Settings::default() }
}

pub struct World {
    pub db: Db,
    pub society: Arc<Society>,
    pub content: Arc<content::Service>,
    pub timelines: Arc<dyn Timelines>,
    pub worker: Arc<Worker>,
    pub feed: Arc<feed::Service>,
    pub spectators: Arc<Spectators>,
    pub clock: Clock,
    dispatch: Arc<Dispatch>,
    settings: Settings,
}

impl World {
    pub async fn new(store: Store) -> Self {
        Self::with(store, by_followers(PULL_MIN), |timelines| timelines).await
    }

    pub async fn ruled(store: Store) -> Self {
        Self::with(store, by_rule(), |timelines| timelines).await
    }

    /// A world whose worker writes through `wrap`; what is read is not wrapped.
    pub async fn with(
        store: Store,
        settings: Settings,
        wrap: impl FnOnce(Arc<dyn Timelines>) -> Arc<dyn Timelines>,
    ) -> Self {
        let db = postgres::testing::fresh().await;
        let timelines = store.open(&db).await;
        let society = Arc::new(Society::default());
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let spectators = Arc::new(Spectators::default());
        let content = {
            let neighbours = content::Neighbours {
                people: society.clone(),
                relations: society.clone(),
                media: society.clone(),
                engagements: society.clone(),
            };
            content::Service::new(db.clone(), neighbours, clock.clone())
        };
        let posts = Arc::new(Content(content.clone()));
        let written = wrap(timelines.clone());
        let worker = Worker::new(db.clone(), written, posts.clone(), society.clone(), &settings, clock.clone());
        let feed =
            feed::Service::new(db.clone(), timelines.clone(), posts, society.clone(), spectators.clone(), &settings);
        let dispatch = Dispatch::new(db.clone(), clock.clone(), vec![worker.clone() as Arc<dyn Consumer>]);
        Self { db, society, content, timelines, worker, feed, spectators, clock, dispatch, settings }
    }

    /// Another process's worker on the same stores.
    pub fn another_worker(&self) -> Arc<Worker> {
        let posts = Arc::new(Content(self.content.clone()));
        let (db, timelines) = (self.db.clone(), self.timelines.clone());
        Worker::new(db, timelines, posts, self.society.clone(), &self.settings, self.clock.clone())
    }

    pub fn now(&self) -> Timestamp {
        self.clock.advance(Duration::from_millis(1));
        self.clock.now()
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    pub fn person(&self) -> UserId {
        let id = UserId::new(self.now());
        self.society.change(|town| town.people.insert(id, id.to_string()));
        id
    }

    pub fn people<const N: usize>(&self) -> [UserId; N] {
        std::array::from_fn(|_| self.person())
    }

    pub async fn post(&self, author: UserId) -> ContentId {
        self.post_to(author, Audience::Public).await
    }

    pub async fn post_to(&self, author: UserId, audience: Audience) -> ContentId {
        let input = PostCreate { text: "Tea at noon".to_owned(), audience: Some(audience), ..PostCreate::default() };
        self.content.create(&self.ctx(author), input.into()).await.unwrap().id
    }

    pub async fn publish(&self, author: UserId, kind: ContentKind) -> ContentId {
        self.publish_at(author, kind, None).await
    }

    /// Something of any kind, as it comes to be when it is published: the row and its event.
    pub async fn publish_at(&self, author: UserId, kind: ContentKind, place: Option<(f64, f64)>) -> ContentId {
        let now = self.now();
        let id = ContentId::new(kind, now);
        sqlx::query(
            "INSERT INTO contents
                 (id, kind, author, audience, text, mentions, hashtags, version, created_at, latitude, longitude)
             VALUES ($1, $2, $3, 'public', 'Tea at noon', '[]', '[]', 1, $4, $5, $6)",
        )
        .bind(id.uuid())
        .bind(kind.number())
        .bind(author)
        .bind(now)
        .bind(place.map(|place| place.0))
        .bind(place.map(|place| place.1))
        .execute(self.db.pool())
        .await
        .unwrap();
        let event = serde_json::json!({
            "content": id, "kind": kind, "author": author, "audience": "public", "mentions": [], "hashtags": [],
            "created_at": now,
        });
        self.tell_of("content.created", id.to_string(), event).await;
        id
    }

    /// From then on, its author alone may read it.
    pub async fn hide(&self, content: ContentId) {
        let hide = sqlx::query("UPDATE contents SET audience = 'only_me' WHERE id = $1").bind(content.uuid());
        assert_eq!(hide.execute(self.db.pool()).await.unwrap().rows_affected(), 1);
    }

    pub async fn delete(&self, author: UserId, post: ContentId) {
        self.content.delete(&self.ctx(author), post).await.unwrap();
    }

    pub async fn follow(&self, source: UserId, target: UserId) {
        if self.society.change(|town| town.follows.insert((source, target))) {
            self.tell("follow.created", source, target).await;
        }
    }

    pub async fn unfollow(&self, source: UserId, target: UserId) {
        if self.society.change(|town| town.follows.remove(&(source, target))) {
            self.tell("follow.removed", source, target).await;
        }
    }

    /// Ends following both ways, as the graph does.
    pub async fn block(&self, source: UserId, target: UserId) {
        self.society.change(|town| town.blocks.insert((source, target)));
        self.unfollow(source, target).await;
        self.unfollow(target, source).await;
    }

    pub fn unblock(&self, source: UserId, target: UserId) {
        self.society.change(|town| town.blocks.remove(&(source, target)));
    }

    pub fn mute(&self, source: UserId, target: UserId, muted: bool) {
        self.society.change(|town| {
            if muted { town.mutes.insert((source, target)) } else { town.mutes.remove(&(source, target)) }
        });
    }

    async fn tell(&self, kind: &'static str, source: UserId, target: UserId) {
        let key = format!("{}:{}", source.min(target), source.max(target));
        self.tell_of(kind, key, serde_json::json!({ "source": source, "target": target })).await;
    }

    pub async fn tell_of(&self, kind: &'static str, key: String, payload: serde_json::Value) {
        let now = self.now();
        let event = OutboxEvent { id: EventId::new(now), kind, key, payload };
        let mut tx = self.db.begin().await.unwrap();
        outbox::append(&mut tx, &event, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Delivers one batch of events; how many there were.
    pub async fn deliver_once(&self) -> usize {
        postgres::testing::deliver_once(&self.db, &self.dispatch).await
    }

    /// Until there is nothing left to do.
    pub async fn drain(&self) {
        while self.deliver_once().await > 0 {}
        while self.worker.work_once().await.unwrap() {}
    }

    pub async fn page(&self, viewer: UserId, cursor: Option<&Cursor>, size: u32) -> kernel::Page<FeedItem> {
        let size = PageSize::try_from(size).unwrap();
        let page = self.feed.following(&self.ctx(viewer), cursor, size).await.unwrap();
        assert!(page.items.len() <= size.get());
        page
    }

    /// The whole feed, read in pages of `size`.
    pub async fn feed_by(&self, viewer: UserId, size: u32) -> Vec<ContentId> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.page(viewer, cursor.as_ref(), size).await;
            seen.extend(page.items.iter().map(|item| item.content.id));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return seen,
            }
        }
    }

    pub async fn feed(&self, viewer: UserId) -> Vec<ContentId> {
        self.feed_by(viewer, 100).await
    }

    /// Lets a viewer open the feed so often, and writes that down.
    pub async fn open(&self, viewer: UserId, times: u32) {
        for _ in 0..times {
            self.page(viewer, None, 1).await;
        }
        self.feed.write_down(self.now()).await;
    }

    pub async fn timeline(&self, viewer: UserId) -> Vec<ContentId> {
        let entries = self.timelines.page(viewer, None, 10_000).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect()
    }
}
