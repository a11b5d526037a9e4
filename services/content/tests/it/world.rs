//! People, what is between them, and the service under test.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use content::{Engagements, MediaKind, MediaLibrary, Neighbours, People, Relations, Service, Standing, Threads};
use kernel::{Clock, ContentId, Ctx, MediaId, Problem, RequestId, SessionId, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer, Delivery, Dispatch};
use schemas::accounts::PersonSummary;
use schemas::content::{Audience, CommentCreate, Content, PostCreate};
use schemas::engagement::{Counts, Engagement};
use schemas::media::{Attachment, MediaType};
use web::testing::{StandIn, Town};

#[derive(Default)]
struct Known {
    town: Town,
    media: HashMap<MediaId, (UserId, MediaKind)>,
    /// With which audiences uploads were asked for last.
    attached_for: Vec<Audience>,
    engagement_away: bool,
    media_away: bool,
}

/// Answers as accounts and the graph do.
#[derive(Default)]
struct Society(StandIn<Known>);

impl Deref for Society {
    type Target = StandIn<Known>;

    fn deref(&self) -> &StandIn<Known> {
        &self.0
    }
}

#[async_trait]
impl People for Society {
    async fn find(&self, who: &str) -> Result<Option<UserId>, Problem> {
        self.ask(|known| known.town.find(who))
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        self.ask(|known| known.town.summaries(ids))
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        self.ask(|known| known.town.ids_of(handles))
    }
}

#[async_trait]
impl Relations for Society {
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, Standing>, Problem> {
        self.ask(|known| {
            let standing = |id: UserId| Standing {
                follows: known.town.follows(reader, id),
                blocked: known.town.blocked(reader, id),
                close_friend: known.town.close_friends.contains(&(id, reader)),
            };
            people.iter().map(|id| (*id, standing(*id))).collect()
        })
    }
}

#[async_trait]
impl MediaLibrary for Society {
    async fn ready(&self, owner: UserId, ids: &[MediaId]) -> Result<HashMap<MediaId, MediaKind>, Problem> {
        if self.change(|known| known.media_away) {
            return Err(StandIn::<Known>::away());
        }
        self.ask(|known| {
            let mine = ids.iter().filter_map(|id| Some((*id, *known.media.get(id)?)));
            mine.filter(|(_, (of, _))| *of == owner).map(|(id, (_, kind))| (id, kind)).collect()
        })
    }

    async fn attachments(&self, media: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem> {
        self.change(|known| known.attached_for = media.iter().map(|(_, audience)| *audience).collect());
        self.ask(|known| {
            let there = media.iter().filter(|(id, _)| known.media.contains_key(id));
            let bare = |id| Attachment {
                id,
                r#type: MediaType::Jpeg,
                width: None,
                height: None,
                duration_ms: None,
                renditions: Vec::new(),
            };
            there.map(|(id, _)| (*id, bare(*id))).collect()
        })
    }
}

/// Everything was looked at seven times, by others.
#[async_trait]
impl Engagements for Society {
    async fn of(&self, _: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        if self.change(|known| known.engagement_away) {
            return Err(StandIn::<Known>::away());
        }
        let seen = Engagement { counts: Counts { views: 7, ..Counts::default() }, ..Engagement::default() };
        Ok(contents.iter().map(|id| (*id, seen.clone())).collect())
    }
}

/// Writes down what it is told.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<(String, serde_json::Value)>>);

#[async_trait]
impl Consumer for Heard {
    fn name(&self) -> &'static str {
        "heard"
    }

    fn wants(&self, _: &str) -> bool {
        true
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        self.0.lock().push((event.kind.clone(), event.payload.clone()));
        Ok(())
    }
}

pub struct World {
    pub db: Db,
    pub contents: Arc<Service>,
    pub clock: Clock,
    /// What was told of by [`World::follow_events`], kinds and payloads.
    pub heard: Arc<Heard>,
    society: Arc<Society>,
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let society = Arc::new(Society::default());
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let neighbours = Neighbours {
            people: society.clone(),
            relations: society.clone(),
            media: society.clone(),
            engagements: society.clone(),
        };
        let contents = Service::new(db.clone(), neighbours, clock.clone());
        Self { db, contents, clock, heard: Arc::default(), society }
    }

    /// Later than every answer before.
    pub fn now(&self) -> Timestamp {
        self.clock.advance(Duration::from_millis(1));
        self.clock.now()
    }

    pub fn person(&self, handle: &str) -> UserId {
        let id = UserId::new(self.now());
        self.society.change(|known| known.town.people.insert(id, handle.to_owned()));
        id
    }

    pub fn people<const N: usize>(&self, handles: [&str; N]) -> [UserId; N] {
        handles.map(|handle| self.person(handle))
    }

    pub fn gone(&self, id: UserId) {
        self.society.change(|known| known.town.people.remove(&id));
    }

    pub fn private(&self, id: UserId) {
        self.society.change(|known| known.town.private.insert(id));
    }

    pub fn follow(&self, source: UserId, target: UserId) {
        self.society.change(|known| known.town.follows.insert((source, target)));
    }

    pub fn block(&self, source: UserId, target: UserId) {
        self.society.change(|known| known.town.blocks.insert((source, target)));
    }

    pub fn close_friend(&self, of: UserId, who: UserId, is_one: bool) {
        self.society.change(|known| {
            let friends = &mut known.town.close_friends;
            if is_one { friends.insert((of, who)) } else { friends.remove(&(of, who)) }
        });
    }

    pub fn picture(&self, owner: UserId) -> MediaId {
        self.media(owner, MediaKind::Picture)
    }

    pub fn video(&self, owner: UserId) -> MediaId {
        self.media(owner, MediaKind::Video)
    }

    fn media(&self, owner: UserId, kind: MediaKind) -> MediaId {
        let id = MediaId::new(self.now());
        self.society.change(|known| known.media.insert(id, (owner, kind)));
        id
    }

    pub fn engagement_away(&self) {
        self.society.change(|known| known.engagement_away = true);
    }

    pub fn media_away(&self) {
        self.society.change(|known| known.media_away = true);
    }

    /// With which audiences uploads were asked for last.
    pub fn attached_for(&self) -> Vec<Audience> {
        self.society.change(|known| known.attached_for.clone())
    }

    pub fn threads(&self) -> Threads {
        Threads { content: self.contents.clone(), clock: self.clock.clone() }
    }

    /// Lets comments follow everything that has happened.
    pub async fn follow_events(&self) {
        let consumers: Vec<Arc<dyn Consumer>> = vec![Arc::new(self.threads()), self.heard.clone()];
        let dispatch = Dispatch::new(self.db.clone(), self.clock.clone(), consumers);
        while postgres::testing::deliver_once(&self.db, &dispatch).await > 0 {}
    }

    /// From now on neither accounts nor the graph answers.
    pub fn neighbours_away(&self) {
        self.society.set_away(true);
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    pub async fn post(&self, author: UserId, text: &str) -> Content {
        self.post_to(author, text, Audience::Public).await
    }

    pub async fn post_to(&self, author: UserId, text: &str, audience: Audience) -> Content {
        let input = PostCreate { text: text.to_owned(), audience: Some(audience), ..PostCreate::default() };
        self.contents.create(&self.ctx(author), input.into()).await.unwrap()
    }

    pub async fn comment(&self, author: UserId, parent: ContentId, text: &str) -> Content {
        let wish = CommentCreate { parent, text: text.to_owned() };
        self.contents.create(&self.ctx(author), wish.into()).await.unwrap()
    }

    pub async fn sees(&self, reader: UserId, post: ContentId) -> bool {
        match self.contents.read(&self.ctx(reader), post).await {
            Ok(_) => true,
            Err(content::Error::NotFound) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Kinds and payloads of all events so far, in the order of their writing.
    pub async fn events(&self) -> Vec<(String, serde_json::Value)> {
        sqlx::query_as("SELECT kind, payload FROM outbox ORDER BY seq").fetch_all(self.db.pool()).await.unwrap()
    }
}
