//! Requests to routes behind the real edge, without a socket; answers are held against openapi.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kernel::{Clock, ErrorKind, Problem, SessionId, Timestamp};
use live::Limiter;
use live::limiter::Local;
use postgres::Db;
use schemas::contract::Validator;
use schemas::problem::Problem as Document;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::idempotency::Keys;
use crate::{Authenticator, Edge, Routes, Settings, Verified};

/// Where requests come from, unless they say otherwise.
pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 4711);
/// How long a [`Trusting`] door takes a token for good.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(60);

/// Takes the text of a person's id for their token.
pub struct Trusting;

#[async_trait]
impl Authenticator for Trusting {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        let stranger =
            |_| Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "This needs a valid access token.");
        let user = token.parse().map_err(stranger)?;
        Ok(Verified { user, session: SessionId::new(now), expires_at: now.plus(TOKEN_AGE_MAX) })
    }

    async fn stands(&self, _: SessionId) -> Result<bool, Problem> {
        Ok(true)
    }
}

/// The routes of a slice, as the binary serves them.
pub struct Door(Router);

impl Door {
    /// Whoever shows the text of a person's id is that person.
    pub fn new(db: &Db, clock: &Clock, routes: Routes) -> Self {
        Self::guarded(db, clock, Arc::new(Local::new()), Arc::new(Trusting), routes)
    }

    pub fn guarded(
        db: &Db,
        clock: &Clock,
        limiter: Arc<dyn Limiter>,
        authenticator: Arc<dyn Authenticator>,
        routes: Routes,
    ) -> Self {
        let keys = Keys::new(db.clone(), clock.clone());
        let edge = Edge::new(Settings::default(), authenticator, limiter, keys, clock.clone());
        Self(edge.router(routes, Router::new()))
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the answer is not as openapi says.
    pub async fn send(&self, ask: Ask) -> Answer {
        let (method, path) = (ask.0.method().clone(), ask.0.uri().to_string());
        let answer = ask.of(self.0.clone()).await;
        // The specification has HEAD under GET, and then there is no body.
        if method != Method::HEAD
            && let Err(difference) = Validator::shared().answer(&method, &path, answer.status, &answer.bytes)
        {
            panic!("{difference}");
        }
        answer
    }
}

/// A request.
pub struct Ask(Request<Body>);

impl Ask {
    /// # Panics
    /// As all of this: when no request can say this.
    pub fn new(method: Method, path: &str) -> Self {
        Self(Request::builder().method(method).uri(path).body(Body::empty()).expect("a request"))
    }

    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// With this token, if there is one.
    pub fn by(self, token: Option<impl Display>) -> Self {
        match token {
            Some(token) => self.header("authorization", &format!("Bearer {token}")),
            None => self,
        }
    }

    /// With this text as its JSON, which it may not be.
    pub fn json(self, body: impl Into<String>) -> Self {
        self.header("content-type", "application/json").body(body.into())
    }

    /// With this JSON, if there is any.
    pub fn value(self, body: Option<Value>) -> Self {
        match body {
            Some(body) => self.json(body.to_string()),
            None => self,
        }
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.0.body_mut() = body.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = name.parse::<header::HeaderName>().expect("the name of a header");
        self.0.headers_mut().insert(name, value.parse().expect("a header"));
        self
    }

    /// With this `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// From this address and port.
    pub fn from(mut self, peer: &str) -> Self {
        self.0.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
        self
    }

    /// The answer of any router, unchecked.
    pub fn of(self, router: Router) -> impl Future<Output = Answer> + Send + use<> {
        let Self(mut request) = self;
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(PEER));
        }
        async move {
            let Ok(response) = router.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Answer { status: parts.status, headers: parts.headers, bytes, body }
        }
    }
}

/// An answer; `body` is null when it is not JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
}

impl Answer {
    /// Of a problem; empty where there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Status and code: what a failure comes down to.
    pub fn failure(&self) -> (u16, &str) {
        (self.status.as_u16(), self.code())
    }

    /// Status and code of a problem.
    ///
    /// # Panics
    /// As [`Answer::document`].
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let document = self.document();
        (document.status, document.code)
    }

    /// # Panics
    /// When this is not a problem document in every respect.
    #[track_caller]
    pub fn document(&self) -> Document {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document: Document = serde_json::from_slice(&self.bytes).expect("a problem document");
        assert_eq!(document.status, self.status.as_u16());
        assert_eq!(self.header("x-request-id"), Some(document.request_id.as_str()));
        assert_eq!(document.r#type, format!("urn:plaza:problem:{}", document.code));
        document
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// After how many seconds to come again.
    pub fn retry_after(&self) -> Option<u64> {
        self.header("retry-after")?.parse().ok()
    }

    /// # Panics
    /// When the body is no text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("text")
    }

    /// The text at a JSON pointer.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {self:?}")).to_owned()
    }
}
