//! The API under test: notes, kept in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::routing::get;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{Clock, ErrorKind, Problem, SessionId, StoreError, Timestamp, UserId};
use live::Limiter;
use live::limiter::Local;
use schemas::problem::Problem as Document;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tower::ServiceExt as _;
use web::idempotency::Keys;
use web::{Authenticator, Caller, ClientAddress, Created, Edge, Failure, Guest, Json, NoContent, Path, Query};
use web::{Routes, Settings, Verified};

pub const PEER: &str = "198.51.100.7:4711";

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

    pub async fn send(&self, request: Ask) -> Answer {
        self.sending(request).await
    }

    /// Like [`World::send`], for a task of its own.
    pub fn sending(&self, Ask(mut request): Ask) -> impl Future<Output = Answer> + Send + use<> {
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(PEER.parse::<SocketAddr>().expect("an address")));
        }
        let router = self.router.clone();
        async move {
            let Ok(response) = router.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            Answer { status: parts.status, headers: parts.headers, body: body.to_vec() }
        }
    }
}

/// A request.
pub struct Ask(Request<Body>);

impl Ask {
    pub fn new(method: Method, path: &str) -> Self {
        Self(Request::builder().method(method).uri(path).body(Body::empty()).expect("a request"))
    }

    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Ada writes a note.
    pub fn note(body: impl Into<String>) -> Self {
        Self::new(Method::POST, "/v1/notes").header("authorization", "Bearer ada").json(body)
    }

    pub fn json(self, body: impl Into<String>) -> Self {
        self.header("content-type", "application/json").body(body.into())
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.0.body_mut() = body.into();
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.0.headers_mut().insert(name, value.parse().expect("a header"));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn from(mut self, peer: &str) -> Self {
        self.0.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
        self
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// Status and code of a problem, which must be one in every respect.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let document = self.document();
        (document.status, document.code)
    }

    #[track_caller]
    pub fn document(&self) -> Document {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document: Document = serde_json::from_slice(&self.body).expect("a problem document");
        assert_eq!(document.status, self.status.as_u16());
        assert_eq!(self.header("x-request-id"), Some(document.request_id.as_str()));
        assert_eq!(document.r#type, format!("urn:plaza:problem:{}", document.code));
        document
    }
}
