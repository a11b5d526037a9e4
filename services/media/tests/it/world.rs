//! The service behind the real edge, its worker, a clock that stands still, content of the test's making.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use blobs::Blobs;
use http::{Method, StatusCode};
use kernel::{Clock, Ctx, ErrorKind, MediaId, Problem, RequestId, SessionId, Timestamp, UserId};
use media::model::PART_BYTES_MIN;
use media::{References, Service, Settings, Worker};
use parking_lot::Mutex;
use postgres::Db;
use schemas::media::{Media, MediaState, MediaType};
use serde_json::json;
use web::testing::{Answer, Ask, Door};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

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
    door: Door,
    folder: Arc<tempfile::TempDir>,
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
        let door = Door::new(&db, &clock, media::routes(service.clone()));
        Self { db, clock, service, worker, blobs, shown, door, folder }
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
        let ask = Ask::new(method, path).by(user).body(body);
        self.door.send(headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))).await
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
            assert_eq!(
                (answer.status, answer.header("upload-offset")),
                (StatusCode::NO_CONTENT, Some(&*at.to_string()))
            );
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
