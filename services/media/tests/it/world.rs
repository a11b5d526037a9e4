//! The service behind the real edge, its worker, a clock that stands still, content of the test's making.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use blobs::Blobs;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{Clock, Ctx, ErrorKind, MediaId, Problem, RequestId, SessionId, Timestamp, UserId};
use live::limiter::Local;
use media::model::PART_BYTES_MIN;
use media::{References, Service, Settings, Worker};
use parking_lot::Mutex;
use postgres::Db;
use schemas::contract::Validator;
use schemas::media::{Media, MediaState, MediaType};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use web::{Authenticator, Edge, Verified};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Takes the text of a person's id for their token.
struct Door;

#[async_trait]
impl Authenticator for Door {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        let stranger = |_| Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "a stranger");
        let user = token.parse().map_err(stranger)?;
        Ok(Verified { user, session: SessionId::new(now), expires_at: now.plus(Duration::from_secs(60)) })
    }

    async fn stands(&self, _: SessionId) -> Result<bool, Problem> {
        Ok(true)
    }
}

/// What content shows.
#[derive(Default)]
pub struct Shown {
    pub used: Mutex<HashSet<MediaId>>,
    pub away: AtomicBool,
}

#[async_trait]
impl References for Shown {
    async fn used(&self, ids: &[MediaId]) -> Result<HashSet<MediaId>, Problem> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Problem::new(ErrorKind::Unavailable, "store_unavailable", "away"));
        }
        let used = self.used.lock();
        Ok(ids.iter().copied().filter(|id| used.contains(id)).collect())
    }
}

pub struct World {
    pub db: Db,
    pub clock: Clock,
    pub service: Arc<Service>,
    pub worker: Arc<Worker>,
    pub blobs: Blobs,
    pub shown: Arc<Shown>,
    router: Router,
    folder: Arc<tempfile::TempDir>,
}

/// An answer of a route, found to be as openapi says.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// Status and code: what a failure comes down to.
    pub fn failure(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings { ffmpeg: String::new(), ..Settings::default() }).await
    }

    pub async fn with(settings: Settings) -> Self {
        let (db, folder) = (postgres::testing::fresh().await, Arc::new(tempfile::tempdir().unwrap()));
        Self::on(db, folder, settings).await
    }

    /// On an object store, in place of the folder.
    pub async fn on_bucket(place: &blobs::Settings) -> Self {
        let (db, folder) = (postgres::testing::fresh().await, Arc::new(tempfile::tempdir().unwrap()));
        let settings = Settings { ffmpeg: String::new(), ..Settings::default() };
        Self::on_blobs(db, folder, Blobs::open(place, "/nowhere".as_ref()).unwrap(), settings).await
    }

    async fn on(db: Db, folder: Arc<tempfile::TempDir>, settings: Settings) -> Self {
        let blobs = Blobs::open(&blobs::Settings::default(), folder.path()).unwrap();
        Self::on_blobs(db, folder, blobs, settings).await
    }

    async fn on_blobs(db: Db, folder: Arc<tempfile::TempDir>, blobs: Blobs, settings: Settings) -> Self {
        let clock = Clock::manual(START);
        let service = Service::start(db.clone(), blobs.clone()).await.unwrap();
        let shown = Arc::new(Shown::default());
        let worker = Worker::new(service.clone(), Some(shown.clone()), settings, clock.clone());
        let keys = web::idempotency::Keys::new(db.clone(), clock.clone());
        let edge = Edge::new(web::Settings::default(), Arc::new(Door), Arc::new(Local::new()), keys, clock.clone());
        let router = edge.router(media::routes(service.clone()), Router::new());
        Self { db, clock, service, worker, blobs, shown, router, folder }
    }

    /// A further node on the same stores.
    pub async fn neighbour(&self) -> Self {
        let settings = Settings { ffmpeg: String::new(), ..Settings::default() };
        Self::on(self.db.clone(), self.folder.clone(), settings).await
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn person(&self) -> UserId {
        UserId::new(self.clock.now())
    }

    pub fn ctx(&self, user: UserId) -> Ctx {
        let now = self.clock.now();
        Ctx { user, session: SessionId::new(now), now, request: RequestId::random() }
    }

    /// Sends a request, and checks the answer against openapi.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        user: Option<UserId>,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        if let Some(user) = user {
            request = request.header("authorization", format!("Bearer {user}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(IpAddr::from([198, 51, 100, 1]), 4711)));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        // The specification has HEAD under GET, and then there is no body.
        if method != Method::HEAD
            && let Err(difference) = Validator::shared().answer(&method, path, status, &bytes)
        {
            panic!("{difference}");
        }
        Answer { status, headers, bytes }
    }

    pub async fn begin(&self, user: UserId, kind: MediaType, bytes: u64) -> Answer {
        let body = json!({ "type": kind, "bytes": bytes }).to_string();
        self.send(Method::POST, "/v1/media", Some(user), &[("content-type", "application/json")], body).await
    }

    pub async fn begun(&self, user: UserId, kind: MediaType, bytes: u64) -> MediaId {
        let answer = self.begin(user, kind, bytes).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        serde_json::from_slice::<Media>(&answer.bytes).unwrap().id
    }

    pub async fn append(&self, user: UserId, id: MediaId, at: u64, bytes: impl Into<Body>) -> Answer {
        let (path, at) = (format!("/v1/media/{id}"), at.to_string());
        let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", at.as_str())];
        self.send(Method::PATCH, &path, Some(user), &headers, bytes).await
    }

    /// Uploads all of a file in parts of the least size.
    pub async fn upload(&self, user: UserId, kind: MediaType, file: &[u8]) -> MediaId {
        let id = self.begun(user, kind, file.len() as u64).await;
        let mut at = 0;
        for part in file.chunks(PART_BYTES_MIN as usize) {
            let answer = self.append(user, id, at, part.to_vec()).await;
            at += part.len() as u64;
            assert_eq!((answer.status, answer.header("upload-offset")), (StatusCode::NO_CONTENT, &*at.to_string()));
        }
        id
    }

    pub async fn get(&self, user: UserId, id: MediaId) -> Media {
        let answer = self.send(Method::GET, &format!("/v1/media/{id}"), Some(user), &[], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        serde_json::from_slice(&answer.bytes).unwrap()
    }

    /// Uploads a file, and lets the worker look at it.
    pub async fn processed(&self, user: UserId, kind: MediaType, file: &[u8]) -> Media {
        let id = self.upload(user, kind, file).await;
        assert!(self.worker.work_once().await.unwrap());
        self.get(user, id).await
    }

    pub async fn ready(&self, user: UserId, kind: MediaType, file: &[u8]) -> Media {
        let media = self.processed(user, kind, file).await;
        assert_eq!(media.state, MediaState::Ready, "{media:?}");
        media
    }

    pub async fn read(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, url, None, headers, Body::empty()).await
    }

    pub async fn keys(&self, id: MediaId) -> Vec<String> {
        self.blobs.keys(&format!("media/{id}")).await.unwrap()
    }
}
