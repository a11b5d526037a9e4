//! Things that can be found, who may see them, and the service under test.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use index::engine::tantivy::{Settings, Tantivy};
use index::{Document, Engine, Item, Kind, Language, Write};
use kernel::{
    Clock, ContentId, ContentKind, Ctx, Cursor, MessageId, Page, PageSize, Problem, RequestId, RoomId, SessionId,
};
use kernel::{Timestamp, UserId};
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::chat::Message;
use schemas::content::{Audience, Content, Place};
use schemas::search::Hit;
use search::model::{Asked, HASHTAG, MESSAGE, PERSON, of_content};
use search::{Directory, Error, Service, Source, Thing};
use web::testing::{StandIn, Town};

const POST: Kind = of_content(ContentKind::Post);
pub const KINDS: [Kind; 4] = [PERSON, HASHTAG, POST, MESSAGE];

#[derive(Default)]
pub struct Known {
    pub town: Town,
    pub things: HashMap<String, Thing>,
    /// Who may see: nobody else, if listed.
    pub hidden: HashSet<String>,
    pub rooms: HashMap<UserId, Vec<RoomId>>,
}

/// Answers as the slices do.
#[derive(Default)]
pub struct Society(StandIn<Known>);

impl Deref for Society {
    type Target = StandIn<Known>;

    fn deref(&self) -> &StandIn<Known> {
        &self.0
    }
}

impl Known {
    fn sees(&self, viewer: UserId, id: &str, thing: &Thing) -> bool {
        let author = match thing {
            Thing::Person(person) => Some(person.id),
            Thing::Content(post) => Some(post.author.id),
            Thing::Message(message) => message.sender,
            Thing::Hashtag { .. } => None,
        };
        let parted = |one| self.town.blocked(viewer, one);
        let in_room = |message: &Message| self.rooms.get(&viewer).is_some_and(|rooms| rooms.contains(&message.room));
        let member = if let Thing::Message(message) = thing { in_room(message) } else { true };
        !self.hidden.contains(id) && !author.is_some_and(parted) && member
    }
}

#[async_trait]
impl Source for Society {
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<HashMap<String, Thing>, Problem> {
        self.ask(|known| {
            let shown = ids.iter().filter_map(|id| Some((id, known.things.get(id)?)));
            let shown = shown.filter(|(id, thing)| known.sees(viewer, id, thing));
            shown.map(|(id, thing)| (id.clone(), thing.clone())).collect()
        })
    }
}

#[async_trait]
impl Directory for Society {
    async fn person(&self, viewer: UserId, who: &str) -> Result<Option<UserId>, Problem> {
        self.ask(|known| {
            let found = known.town.find(who);
            found.filter(|it| !known.town.blocked(viewer, *it))
        })
    }

    async fn rooms(&self, viewer: UserId) -> Result<Vec<RoomId>, Problem> {
        self.ask(|known| known.rooms.get(&viewer).cloned().unwrap_or_default())
    }

    fn hashtag(&self, written: &str) -> Option<String> {
        (!written.contains(' ')).then(|| written.to_lowercase())
    }
}

pub struct World {
    pub db: Db,
    pub society: Arc<Society>,
    pub engine: Arc<dyn Engine>,
    pub search: Arc<Service>,
    pub clock: Clock,
    version: AtomicU64,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let settings = Settings { folder: folder.path().join("index"), writer_memory_mb: 15 };
        let engine: Arc<dyn Engine> = Arc::new(Tantivy::open(settings, clock.clone()).unwrap());
        for kind in KINDS {
            engine.create(kind, 1).await.unwrap();
            engine.swap(kind, 1).await.unwrap();
        }
        let society = Arc::new(Society::default());
        let sources = KINDS.map(|kind| (kind, society.clone() as Arc<dyn Source>)).into_iter().collect();
        let search = Service::start(db.clone(), engine.clone(), sources, society.clone()).await.unwrap();
        Self { db, society, engine, search, clock, version: AtomicU64::new(1), _folder: folder }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.advance(Duration::from_millis(1));
        self.clock.now()
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        self.society.change(change)
    }

    /// Writes documents, and waits until searches find them.
    pub async fn index(&self, documents: Vec<(Kind, Document)>) {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        let item = |(kind, document)| Item { kind, generation: 1, version, write: Write::Put(Arc::new(document)) };
        let written = self.engine.write(documents.into_iter().map(item).collect()).await.unwrap();
        assert_eq!((written.stale, written.refused), (0, Vec::new()));
        self.engine.commit(&version.to_string()).await.unwrap();
    }

    pub fn document(&self, id: String) -> Document {
        Document {
            id,
            names: Vec::new(),
            text: String::new(),
            language: None,
            tags: Vec::new(),
            author: None,
            audience: "public".to_owned(),
            place: None,
            popularity: 0.0,
            created_at: self.now(),
        }
    }

    pub async fn person(&self, handle: &str, name: &str) -> UserId {
        let id = UserId::new(self.now());
        let person = PersonSummary { id, handle: handle.to_owned(), name: name.to_owned(), private: false };
        self.change(|known| {
            known.things.insert(id.to_string(), Thing::Person(person));
            known.town.people.insert(id, handle.to_owned());
        });
        let names = vec![handle.to_owned(), name.to_owned()];
        self.index(vec![(PERSON, Document { names, ..self.document(id.to_string()) })]).await;
        id
    }

    pub async fn hashtag(&self, tag: &str, posts: u64) {
        self.change(|known| known.things.insert(tag.to_owned(), Thing::Hashtag { tag: tag.to_owned(), posts }));
        let document =
            Document { names: vec![tag.to_owned()], popularity: posts as f64, ..self.document(tag.to_owned()) };
        self.index(vec![(HASHTAG, document)]).await;
    }

    pub async fn post(&self, author: UserId, text: &str) -> ContentId {
        self.post_at(author, text, None).await
    }

    pub async fn post_at(&self, author: UserId, text: &str, at: Option<(f64, f64)>) -> ContentId {
        let (id, document) = self.write(author, text, at);
        self.index(vec![(POST, document)]).await;
        id
    }

    /// A post that exists, and its document, which is not indexed yet.
    pub fn write(&self, author: UserId, text: &str, at: Option<(f64, f64)>) -> (ContentId, Document) {
        let now = self.now();
        let id = ContentId::new(ContentKind::Post, now);
        let place = at.map(|(latitude, longitude)| Place { latitude, longitude, name: None });
        self.change(|known| {
            let Some(Thing::Person(author)) = known.things.get(&author.to_string()).cloned() else {
                panic!("nobody wrote this")
            };
            let post = Content {
                id,
                kind: ContentKind::Post,
                author,
                text: text.to_owned(),
                mentions: Vec::new(),
                hashtags: Vec::new(),
                audience: Audience::Public,
                media: Vec::new(),
                place,
                parent: None,
                root: None,
                title: None,
                state: None,
                price: None,
                availability: None,
                created_at: now,
                edited_at: None,
                expires_at: None,
                version: 1,
                engagement: None,
            };
            known.things.insert(id.to_string(), Thing::Content(Box::new(post)));
        });
        let tags = text.split_whitespace().filter_map(|word| word.strip_prefix('#')).map(str::to_owned).collect();
        let document = Document {
            text: text.to_owned(),
            language: Language::detect(text),
            tags,
            author: Some(author.uuid()),
            place: at.map(|(latitude, longitude)| index::Place::new(latitude, longitude).unwrap()),
            created_at: now,
            ..self.document(id.to_string())
        };
        (id, document)
    }

    pub async fn message(&self, room: RoomId, seq: u64, sender: UserId, text: &str) -> MessageId {
        let now = self.now();
        let message = Message {
            id: MessageId::new(now),
            room,
            seq,
            sender: Some(sender),
            client_id: None,
            text: text.to_owned(),
            reply_to: None,
            mentions: Vec::new(),
            version: 1,
            created_at: now,
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        };
        let (id, key) = (message.id, format!("{room}.{seq:020}"));
        self.change(|known| known.things.insert(key.clone(), Thing::Message(Box::new(message))));
        let document = Document {
            text: text.to_owned(),
            author: Some(sender.uuid()),
            audience: format!("room:{}", room.uuid()),
            ..self.document(key)
        };
        self.index(vec![(MESSAGE, document)]).await;
        id
    }

    pub async fn page(
        &self,
        viewer: UserId,
        asked: Asked<'_>,
        cursor: Option<&Cursor>,
        size: u32,
    ) -> Result<Page<Hit>, Error> {
        let size = PageSize::try_from(size).unwrap();
        let page = self.search.search(&self.ctx(viewer), asked, None, cursor, size).await?;
        assert!(page.items.len() <= size.get());
        Ok(page)
    }

    /// All that a search finds, read in pages of `size`, named by [`name`].
    pub async fn all(&self, viewer: UserId, asked: Asked<'_>, size: u32) -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.page(viewer, asked.clone(), cursor.as_ref(), size).await.unwrap();
            seen.extend(page.items.iter().map(name));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return seen,
            }
        }
    }

    pub async fn found(&self, viewer: UserId, q: &str) -> Vec<String> {
        self.all(viewer, Asked { q: Some(q), ..Asked::default() }, 100).await
    }
}

/// What a hit is of: a handle, a hashtag, a text.
pub fn name(hit: &Hit) -> String {
    match hit {
        Hit::Person(it) => format!("@{}", it.person.handle),
        Hit::Hashtag(it) => format!("#{}", it.tag),
        Hit::Content(it) => it.content.text.clone(),
        Hit::Message(it) => it.message.text.clone(),
    }
}

pub fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// Counts by name.
pub fn tally(names: &[String]) -> BTreeMap<&str, usize> {
    let mut tally = BTreeMap::new();
    for name in names {
        *tally.entry(name.as_str()).or_default() += 1;
    }
    tally
}
