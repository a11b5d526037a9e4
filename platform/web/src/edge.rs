//! The layers around every operation.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{Clock, ErrorKind, Problem, RequestId};
use live::{Allowance, Limiter, Rate};
use telemetry::{Counters, Histograms, LATENCY_BUCKETS_SECONDS};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::extract::{Arrival, Identity};
use crate::idempotency::{self, Claim, Key, Keys, Scope};
use crate::{Authenticator, Failure, Operation, Routes, Settings, address, auth, body, cors, failure};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

struct Metrics {
    requests: Counters<2>,
    seconds: Histograms<1>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    requests: telemetry::counters("plaza_http_requests_total", "REST requests, by operation and class of status"),
    seconds: telemetry::histograms(
        "plaza_http_request_seconds",
        "How long REST requests took, by operation",
        LATENCY_BUCKETS_SECONDS,
    ),
});

/// Serves operations. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    settings: Settings,
    authenticator: Arc<dyn Authenticator>,
    limiter: Arc<dyn Limiter>,
    keys: Keys,
    clock: Clock,
}

/// An operation's share of the edge.
#[derive(Clone)]
struct Admission {
    edge: Arc<Inner>,
    operation: Arc<Operation>,
}

impl Edge {
    #[must_use]
    pub fn new(
        settings: Settings,
        authenticator: Arc<dyn Authenticator>,
        limiter: Arc<dyn Limiter>,
        keys: Keys,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { settings, authenticator, limiter, keys, clock }))
    }

    /// One router for the operations and for `beside`: routes that want a request id and a client address, and else
    /// are left alone (health, metrics, the socket). Serve it with the peer's address as `ConnectInfo<SocketAddr>`.
    pub fn router(&self, operations: Routes, beside: Router) -> Router {
        let mut router = beside;
        for (operation, handlers) in operations.into_parts() {
            let path = operation.path;
            let admission = Admission { edge: Arc::clone(&self.0), operation: Arc::new(operation) };
            router = router.route(path, handlers.route_layer(from_fn_with_state(admission, admit)));
        }
        if let Some(cors) = cors::layer(&self.0.settings) {
            router = router.layer(cors);
        }
        router.layer(from_fn_with_state(Arc::clone(&self.0), arrive))
    }
}

/// Everything that reaches this address: names it, notes who sent it, and writes out what failed.
async fn arrive(State(edge): State<Arc<Inner>>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let given = headers.get(X_REQUEST_ID).and_then(|value| RequestId::parse(value.to_str().ok()?));
    let request_id = given.unwrap_or_else(RequestId::random);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let address = address::client(peer, headers, &edge.settings.trusted_proxies);

    let span = tracing::info_span!(
        "http",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = Empty,
        http.response.status_code = Empty,
        request = %request_id,
        user = Empty,
    );
    let parent = headers.get(telemetry::TRACEPARENT).and_then(|value| value.to_str().ok());
    telemetry::continue_trace(&span, parent);

    request.extensions_mut().insert(Arrival { now: edge.clock.now(), request: request_id.clone(), address });
    let response = caught(next.run(linger::body(request))).instrument(span.clone()).await;

    let mut response = failure::write(response, &request_id);
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// An operation was found: counts it, and lets it run if nothing speaks against it.
async fn admit(State(Admission { edge, operation }): State<Admission>, request: Request, next: Next) -> Response {
    let span = Span::current();
    span.record("otel.name", operation.id);
    span.record("http.route", operation.path);

    let started = Instant::now();
    let response = edge.run(&operation, request, next).await.unwrap_or_else(|failure| failure.into_response());
    METRICS.seconds.get_or_create(&[("operation", operation.id)]).observe(started.elapsed().as_secs_f64());
    let labels = [("operation", operation.id), ("status", class(response.status()))];
    METRICS.requests.get_or_create(&labels).inc();
    response
}

impl Inner {
    async fn run(&self, operation: &Operation, mut request: Request, next: Next) -> Result<Response, Failure> {
        let arrival = request.extensions().get::<Arrival>().cloned().ok_or_else(Failure::internal)?;
        let from = address::limited_as(arrival.address);
        let address_rate = self.settings.address();
        if let Allowance::Refused { wait } = self.limiter.take(&format!("web:{from}"), address_rate).await {
            return Err(rate_limited(wait));
        }

        let mut scope = Scope::Guest(from);
        let mut account = None;
        if let Some(token) = auth::bearer(request.headers()) {
            let verified = self.authenticator.verify(token, arrival.now).await;
            if let Ok(verified) = &verified {
                scope = Scope::User(verified.user);
                Span::current().record("user", tracing::field::display(verified.user));
                account = Some(self.take_for(verified.user).await?);
            }
            request.extensions_mut().insert(Identity(Arc::new(verified)));
        }

        let timeout = self.settings.request_timeout();
        let key = if operation.creates { Key::of(request.headers())? } else { None };
        let mut response = match key {
            Some(key) => self.run_once(operation, scope, &key, request, next).await?,
            None => in_time(timeout, next.run(request)).await,
        };
        if let Some(left) = account {
            tell_limit(&mut response, self.settings.account(), left);
        }
        Ok(response)
    }

    /// How many requests the account has left, this one taken.
    async fn take_for(&self, user: kernel::UserId) -> Result<u32, Failure> {
        match self.limiter.take(&format!("web:{user}"), self.settings.account()).await {
            Allowance::Granted { left } => Ok(left),
            Allowance::Refused { wait } => Err(rate_limited(wait)),
        }
    }

    async fn run_once(
        &self,
        operation: &Operation,
        scope: Scope,
        key: &Key,
        request: Request,
        next: Next,
    ) -> Result<Response, Failure> {
        // With a token that does not hold, nobody's keys are touched.
        if let Some(Identity(identity)) = request.extensions().get()
            && let Err(problem) = &**identity
        {
            return Err(problem.clone().into());
        }
        let timeout = self.settings.request_timeout();
        let (parts, body) = request.into_parts();
        let body = body::read(&parts.headers, body);
        let body = tokio::time::timeout(timeout, body).await.map_err(|_| Failure::timeout())??;
        let once = idempotency::Request::new(scope, operation.id, key, &body)?;
        let claim = match self.keys.claim(&once, timeout).await? {
            Claim::Mine(claim) => claim,
            Claim::Answered(response) => return Ok(response),
            Claim::InProgress => return Err(Claim::in_progress()),
            Claim::Reused => return Err(Claim::reused()),
        };
        let keys = self.keys.clone();
        let work = async move {
            let request = Request::from_parts(parts, Body::from(body));
            let response = caught(in_time(timeout, next.run(request))).await;
            keys.settle(&once, claim, response).await
        };
        tokio::spawn(work.in_current_span()).await.map_err(|error| {
            tracing::error!(%error, "an idempotent request was not finished");
            Failure::internal()
        })
    }
}

async fn in_time(timeout: Duration, response: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(timeout, response).await {
        Ok(response) => response,
        Err(_) => Failure::timeout().into_response(),
    }
}

/// A handler that panics answers 500; the panic's own message is on standard error.
async fn caught(response: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(response).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a handler panicked");
            Failure::internal().into_response()
        }
    }
}

fn rate_limited(wait: Duration) -> Failure {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let message = format!("Too many requests; try again in {seconds} s.");
    Problem::new(ErrorKind::RateLimited, "rate_limited", message).retry_after(wait).into()
}

/// The header fields of draft-ietf-httpapi-ratelimit-headers.
fn tell_limit(response: &mut Response, rate: Rate, left: u32) {
    let policy = format!("\"account\";q={};w={}", rate.burst, rate.per.as_secs().max(1));
    for (name, value) in [(RATELIMIT_POLICY, policy), (RATELIMIT, format!("\"account\";r={left}"))] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "1xx",
    }
}
