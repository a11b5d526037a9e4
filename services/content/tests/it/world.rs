//! People, what is between them, and the service under test.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use content::{People, Relations, Service, Standing};
use kernel::{ContentId, Ctx, ErrorKind, Problem, RequestId, SessionId, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::content::{Audience, Content, PostCreate};

#[derive(Default)]
struct Known {
    people: HashMap<UserId, PersonSummary>,
    follows: HashSet<(UserId, UserId)>,
    blocks: HashSet<(UserId, UserId)>,
    away: bool,
}

/// Answers as accounts and the graph do.
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

#[async_trait]
impl People for Society {
    async fn find(&self, who: &str) -> Result<Option<UserId>, Problem> {
        self.ask(|known| known.people.values().find(|p| p.handle == who || p.id.to_string() == who).map(|p| p.id))
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        self.ask(|known| ids.iter().filter_map(|id| Some((*id, known.people.get(id)?.clone()))).collect())
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        self.ask(|known| {
            let asked = known.people.values().filter(|person| handles.contains(&person.handle.as_str()));
            asked.map(|person| (person.handle.clone(), person.id)).collect()
        })
    }
}

#[async_trait]
impl Relations for Society {
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, Standing>, Problem> {
        self.ask(|known| {
            let standing = |id: UserId| Standing {
                follows: known.follows.contains(&(reader, id)),
                blocked: known.blocks.contains(&(reader, id)) || known.blocks.contains(&(id, reader)),
                ..Standing::default()
            };
            people.iter().map(|id| (*id, standing(*id))).collect()
        })
    }
}

pub struct World {
    pub db: Db,
    pub contents: Arc<Service>,
    society: Arc<Society>,
    now: Mutex<Timestamp>,
}

impl World {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        let society = Arc::new(Society::default());
        let contents = Service::new(db.clone(), society.clone(), society.clone());
        Self { db, contents, society, now: Mutex::new(Timestamp::from_millis(1_800_000_000_000)) }
    }

    /// Later than every answer before.
    pub fn now(&self) -> Timestamp {
        let mut now = self.now.lock();
        *now = now.plus(Duration::from_millis(1));
        *now
    }

    pub fn person(&self, handle: &str) -> UserId {
        let id = UserId::new(self.now());
        let person = PersonSummary { id, handle: handle.to_owned(), name: handle.to_uppercase(), private: false };
        self.society.0.lock().people.insert(id, person);
        id
    }

    pub fn people<const N: usize>(&self, handles: [&str; N]) -> [UserId; N] {
        handles.map(|handle| self.person(handle))
    }

    pub fn gone(&self, id: UserId) {
        self.society.0.lock().people.remove(&id);
    }

    pub fn private(&self, id: UserId) {
        self.society.0.lock().people.get_mut(&id).unwrap().private = true;
    }

    pub fn follow(&self, source: UserId, target: UserId) {
        self.society.0.lock().follows.insert((source, target));
    }

    pub fn block(&self, source: UserId, target: UserId) {
        self.society.0.lock().blocks.insert((source, target));
    }

    /// From now on neither accounts nor the graph answers.
    pub fn neighbours_away(&self) {
        self.society.0.lock().away = true;
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
