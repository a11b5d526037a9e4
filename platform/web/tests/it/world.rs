//! The API under test: notes, kept in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::Method;
use kernel::{Clock, ErrorKind, Problem, SessionId, StoreError, Timestamp, UserId};
use live::Limiter;
use live::limiter::Local;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use web::idempotency::Keys;
use web::testing::{Answer, Ask};
use web::{Authenticator, Caller, ClientAddress, Created, Edge, Failure, Guest, Json, NoContent, Path, Query};
use web::{Routes, Settings, Verified};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteCreate {
    pub text: String,
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Note {
    pub number: usize,
    pub text: String,
    pub tags: usize,
    pub by: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<kernel::PageSize>,
}

/// What the handlers share with the test.
#[derive(Default)]
pub struct Notes {
    pub created: AtomicUsize,
    /// Handlers of slow notes say that they have begun …
    pub begun: Notify,
    /// … and wait for this.
    pub proceed: Notify,
}

/// Bearer `ada` is Ada, `down` is a store that does not answer, anything else is refused.
struct Names;

pub fn user(name: &str) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(name.bytes().fold(7, |sum, byte| (sum << 8) | u128::from(byte))))
}

#[async_trait]
impl Authenticator for Names {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        match token {
            "ada" | "ben" => Ok(Verified {
                user: user(token),
                session: SessionId::new(now),
                expires_at: now.plus(Duration::from_secs(600)),
            }),
            "down" => Err(StoreError::unavailable("sessions are unreachable").into()),
            _ => Err(Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "This needs a valid access token.")),
        }
    }

    async fn stands(&self, _: SessionId) -> Result<bool, Problem> {
        Ok(true)
    }
}

async fn create(
    State(notes): State<Arc<Notes>>,
    Caller(ctx): Caller,
    Json(note): Json<NoteCreate>,
) -> Result<Created<Note>, Failure> {
    match note.text.as_str() {
        "slow" => {
            notes.begun.notify_one();
            notes.proceed.notified().await;
        }
        "broken" => return Err(StoreError::broken("bits fell over").into()),
        "panic" => panic!("as the note asks"),
        "taken" => {
            return Err(Problem::new(ErrorKind::Conflict, "conflict", "There is such a note.").at("/text").into());
        }
        _ => {}
    }
    let number = notes.created.fetch_add(1, Ordering::SeqCst) + 1;
    Ok(Created(Note { number, text: note.text, tags: note.tags.len(), by: ctx.user.to_string() }))
}

async fn sign_up(State(notes): State<Arc<Notes>>, guest: Guest, Json(note): Json<NoteCreate>) -> Created<Note> {
    let number = notes.created.fetch_add(1, Ordering::SeqCst) + 1;
    Created(Note { number, text: note.text, tags: 0, by: guest.address.to_string() })
}

async fn one(Path(post): Path<kernel::ContentId>, caller: Option<Caller>, Query(page): Query<Page>) -> Json<String> {
    let caller = caller.map_or_else(|| "a guest".to_owned(), |Caller(ctx)| ctx.user.to_string());
    Json(format!("{post} for {caller}, {}", page.limit.unwrap_or_default().get()))
}

async fn remove(Caller(_): Caller, Path(_): Path<kernel::ContentId>) -> NoContent {
    NoContent
}

async fn hang() -> NoContent {
    std::future::pending().await
}

pub struct World {
    pub router: Router,
    pub notes: Arc<Notes>,
    pub clock: Clock,
    pub keys: Keys,
    pub routes: Vec<web::Operation>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let notes = Arc::new(Notes::default());
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        let keys = Keys::new(postgres::testing::fresh().await, clock.clone());
        let routes = || {
            Routes::new()
                .op("createNote", Method::POST, "/v1/notes", create)
                .creates()
                .op("signUp", Method::POST, "/v1/accounts", sign_up)
                .creates()
                .op("getNote", Method::GET, "/v1/notes/{note}", one)
                .op("deleteNote", Method::DELETE, "/v1/notes/{note}", remove)
                .op("hang", Method::GET, "/v1/hang", hang)
                .with_state(Arc::clone(&notes))
        };
        let beside = Router::new()
            .route("/healthz", get(|| async { "fine" }))
            .route("/whence", get(|ClientAddress(address): ClientAddress| async move { address.to_string() }));
        let limiter: Arc<dyn Limiter> = Arc::new(Local::new());
        let edge = Edge::new(settings, Arc::new(Names), limiter, keys.clone(), clock.clone());
        let router = edge.router(routes(), beside);
        let routes = routes().operations().cloned().collect();
        Self { router, notes, clock, keys, routes }
    }

    pub fn created(&self) -> usize {
        self.notes.created.load(Ordering::SeqCst)
    }

    pub async fn send(&self, ask: Ask) -> Answer {
        self.sending(ask).await
    }

    /// Like [`World::send`], for a task of its own.
    pub fn sending(&self, ask: Ask) -> impl Future<Output = Answer> + Send + use<> {
        ask.of(self.router.clone())
    }
}

/// Ada writes a note.
pub fn note(body: impl Into<String>) -> Ask {
    Ask::new(Method::POST, "/v1/notes").by(Some("ada")).json(body)
}
