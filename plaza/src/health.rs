//! `/healthz`, `/readyz`, `/metrics`: for those who watch over the process.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kernel::StoreError;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// Longest wait for a store's answer.
const PROBE_MAX: Duration = Duration::from_secs(2);
/// How long an answer is good for: `/readyz` needs no log-in and must not become a way to keep stores busy.
const KEPT: Duration = Duration::from_millis(500);

type Answer = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// How to ask one store whether it is there.
pub struct Probe {
    name: &'static str,
    /// Without it, this process can serve nobody.
    required: bool,
    ask: Box<dyn Fn() -> Answer + Send + Sync>,
}

impl Probe {
    pub fn new<F>(name: &'static str, required: bool, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        Self { name, required, ask: Box::new(move || Box::pin(ask())) }
    }

    async fn look(&self) -> StoreState {
        match timeout(PROBE_MAX, (self.ask)()).await {
            Ok(Ok(())) => StoreState::Up,
            Ok(Err(error)) => {
                tracing::warn!(store = self.name, %error, "a store does not answer");
                StoreState::Down
            }
            Err(_) => {
                tracing::warn!(store = self.name, "a store takes too long to answer");
                StoreState::Down
            }
        }
    }
}

/// How the process is.
pub struct Health {
    probes: Vec<Probe>,
    draining: AtomicBool,
    last: Mutex<Option<(Instant, Readiness)>>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, Serialize)]
struct Readiness {
    status: Status,
    stores: BTreeMap<&'static str, StoreState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ready,
    /// A store is down that most can be done without.
    Degraded,
    NotReady,
    /// On the way out: send new work elsewhere.
    Draining,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoreState {
    Up,
    Down,
}

impl Health {
    pub fn new(probes: Vec<Probe>) -> Arc<Self> {
        Arc::new(Self { probes, draining: AtomicBool::new(false), last: Mutex::new(None) })
    }

    /// From now on `/readyz` says that this process is going.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn readiness(&self) -> Readiness {
        let mut last = self.last.lock().await;
        let mut answer = match &*last {
            Some((at, answer)) if at.elapsed() < KEPT => answer.clone(),
            _ => {
                let looks = self.probes.iter().map(|probe| async move { (probe.name, probe.look().await) });
                let stores: BTreeMap<_, _> = futures_util::future::join_all(looks).await.into_iter().collect();
                let down = |required: bool| {
                    self.probes.iter().any(|p| p.required == required && stores[p.name] == StoreState::Down)
                };
                let status = match (down(true), down(false)) {
                    (true, _) => Status::NotReady,
                    (false, true) => Status::Degraded,
                    (false, false) => Status::Ready,
                };
                let answer = Readiness { status, stores };
                *last = Some((Instant::now(), answer.clone()));
                answer
            }
        };
        if self.draining.load(Ordering::Relaxed) {
            answer.status = Status::Draining;
        }
        answer
    }
}

pub fn router(health: Arc<Health>) -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz)).with_state(health)
}

pub fn metrics() -> Router {
    let figures = || async { ([(header::CONTENT_TYPE, telemetry::CONTENT_TYPE)], telemetry::render()) };
    Router::new().route("/metrics", get(figures))
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let readiness = health.readiness().await;
    let status = match readiness.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::NotReady | Status::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(name: &'static str, required: bool, up: bool) -> Probe {
        Probe::new(
            name,
            required,
            move || async move { if up { Ok(()) } else { Err(StoreError::unavailable("gone")) } },
        )
    }

    async fn asked(probes: Vec<Probe>) -> (StatusCode, Status) {
        let health = Health::new(probes);
        let status = health.readiness().await.status;
        (readyz(State(health)).await.status(), status)
    }

    #[tokio::test]
    async fn a_required_store_that_is_down_makes_the_process_unready_and_another_one_does_not() {
        let up = || probe("postgres", true, true);
        assert_eq!(asked(vec![up(), probe("redis", false, true)]).await, (StatusCode::OK, Status::Ready));
        assert_eq!(asked(vec![up(), probe("redis", false, false)]).await, (StatusCode::OK, Status::Degraded));
        let down = vec![probe("postgres", true, false), probe("redis", false, true)];
        assert_eq!(asked(down).await, (StatusCode::SERVICE_UNAVAILABLE, Status::NotReady));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_counts_as_down() {
        let hangs = Probe::new("postgres", true, std::future::pending);
        assert_eq!(asked(vec![hangs]).await, (StatusCode::SERVICE_UNAVAILABLE, Status::NotReady));
    }

    #[tokio::test]
    async fn a_draining_process_is_not_ready() {
        let health = Health::new(vec![probe("postgres", true, true)]);
        health.drain();
        assert_eq!(readyz(State(health)).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
