//! REST.

mod accounts;
mod chat;
mod content;
mod engagement;
mod feed;
mod graph;
mod media;
mod messages;
mod search;
mod session;
mod settings;

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use kernel::Page;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

pub use messages::Window;
pub use session::Session;

use crate::{ApiError, Backoff};

/// How long one request may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How often a creating request is sent at most, always under the same idempotency key.
const CREATE_TRIES_MAX: u32 = 4;
/// Longer than this nobody waits inside a call; the error then says how long to wait.
const PATIENCE_MAX: Duration = Duration::from_secs(5);

/// Sees everything that is exchanged, as it was written. For tests that hold a server to its contract, and for logs.
pub trait Witness: Send + Sync {
    fn answer(&self, method: &str, path: &str, status: u16, body: &[u8]);
    /// `command` is the name of the command that a reply or an error answers.
    fn frame(&self, text: &str, command: Option<&str>);
}

/// A Plaza, seen by somebody who has not logged in.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    /// Such as `http://127.0.0.1:8080`, without a slash at the end.
    base: Arc<str>,
    witness: Option<Arc<dyn Witness>>,
}

/// One request, before it is sent.
pub(crate) struct Request<'a> {
    method: Method,
    path: &'a str,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    content_type: &'static str,
    /// Where a part of an upload begins.
    offset: Option<u64>,
    token: Option<&'a str>,
    idempotency_key: Option<&'a str>,
}

impl<'a> Request<'a> {
    pub(crate) const fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            content_type: "application/json",
            offset: None,
            token: None,
            idempotency_key: None,
        }
    }

    pub(crate) fn body(mut self, body: &impl Serialize) -> Self {
        // The contract's types always serialise.
        self.body = serde_json::to_vec(body).ok().map(Bytes::from);
        self
    }

    /// The part of an upload that begins at `offset`.
    pub(crate) fn part(mut self, offset: u64, part: Bytes) -> Self {
        (self.content_type, self.offset, self.body) = ("application/offset+octet-stream", Some(offset), Some(part));
        self
    }

    pub(crate) fn page(mut self, cursor: Option<&kernel::Cursor>, limit: u32) -> Self {
        self.query.push(("limit", limit.to_string()));
        self.query.extend(cursor.map(|cursor| ("cursor", cursor.as_str().to_owned())));
        self
    }

    pub(crate) fn query(mut self, parts: &[(&'static str, &str)]) -> Self {
        self.query.extend(parts.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self
    }

    pub(crate) const fn token(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }
}

impl Api {
    /// The Plaza at `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Result<Self, ApiError> {
        install_crypto();
        let address = base.trim_end_matches('/');
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(ApiError::Address(base.to_owned()));
        }
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build().map_err(ApiError::Unreachable)?;
        Ok(Self { http, base: address.into(), witness: None })
    }

    /// Shows everything that is exchanged from now on to `witness`, that of sessions and sockets included.
    #[must_use]
    pub fn witnessed_by(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// The same Plaza by another of its nodes.
    #[must_use]
    pub fn by_node(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').into(), ..self.clone() }
    }

    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    #[must_use]
    pub fn socket_url(&self) -> String {
        socket_url(&self.base)
    }

    /// Whether this Plaza, and all stores that it needs, take requests now.
    pub async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn witness(&self) -> Option<Arc<dyn Witness>> {
        self.witness.clone()
    }

    /// Sends a request and reads its answer. No answer at all is read as `null`.
    pub(crate) async fn send<R: DeserializeOwned>(&self, request: &Request<'_>) -> Result<R, ApiError> {
        let (status, body) = self.exchange(request).await?;
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        let unreadable =
            |why: serde_json::Error| ApiError::Unreadable { status: status.as_u16(), why: why.to_string() };
        if status.is_success() {
            serde_json::from_slice(body).map_err(unreadable)
        } else {
            Err(ApiError::Refused(serde_json::from_slice(body).map_err(unreadable)?))
        }
    }

    /// Sends a request that creates something, and repeats it under the same idempotency key while the failure may pass:
    /// a lost answer creates nothing twice.
    pub(crate) async fn create<R: DeserializeOwned>(&self, request: Request<'_>) -> Result<R, ApiError> {
        let key = format!("{:032x}", rand::random::<u128>());
        let request = Request { idempotency_key: Some(&key), ..request };
        let mut tries = 0;
        loop {
            tries += 1;
            match self.send(&request).await {
                Err(error) if error.is_temporary() && tries < CREATE_TRIES_MAX => {
                    let wait = Backoff::default().wait(tries, error.retry_after());
                    if wait > PATIENCE_MAX {
                        return Err(error);
                    }
                    sleep(wait).await;
                }
                done => return done,
            }
        }
    }

    /// Sends a request whose answer is no JSON.
    pub(crate) async fn bytes(&self, request: &Request<'_>) -> Result<Bytes, ApiError> {
        let (status, body) = self.exchange(request).await?;
        if status.is_success() {
            return Ok(body);
        }
        let unreadable =
            |why: serde_json::Error| ApiError::Unreadable { status: status.as_u16(), why: why.to_string() };
        Err(ApiError::Refused(serde_json::from_slice(&body).map_err(unreadable)?))
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<(StatusCode, Bytes), ApiError> {
        let mut building = self.http.request(request.method.clone(), format!("{}{}", self.base, request.path));
        if !request.query.is_empty() {
            building = building.query(&request.query);
        }
        if let Some(token) = request.token {
            building = building.bearer_auth(token);
        }
        if let Some(key) = request.idempotency_key {
            building = building.header("idempotency-key", key);
        }
        if let Some(offset) = request.offset {
            building = building.header("upload-offset", offset);
        }
        if let Some(body) = &request.body {
            building = building.header("content-type", request.content_type).body(body.clone());
        }
        let answer = building.send().await.map_err(ApiError::Unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(ApiError::Unreachable)?;
        if let Some(witness) = &self.witness {
            witness.answer(request.method.as_str(), request.path, status.as_u16(), &body);
        }
        Ok((status, body))
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Api").field(&self.base).finish()
    }
}

/// The address of the socket on the node at `base`.
pub(crate) fn socket_url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    // `http` becomes `ws`, and `https` becomes `wss`.
    format!("ws{}/v1/socket", base.strip_prefix("http").unwrap_or(base))
}

/// Reads a list to its end: `page` is asked with each cursor in turn.
pub(crate) async fn all<T, F>(mut page: impl FnMut(Option<kernel::Cursor>) -> F) -> Result<Vec<T>, ApiError>
where
    F: Future<Output = Result<Page<T>, ApiError>>,
{
    let (mut items, mut cursor): (Vec<T>, Option<kernel::Cursor>) = (Vec::new(), None);
    loop {
        let next = page(cursor.clone()).await?;
        items.extend(next.items);
        // A page that names itself as the next, as a mock's does, would be read for ever.
        if next.next.is_none() || next.next == cursor {
            return Ok(items);
        }
        cursor = next.next;
    }
}

/// TLS needs a provider of its primitives; the application may have chosen one already.
pub(crate) fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that one is installed, which is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_beside_rest() {
        assert_eq!(socket_url("http://127.0.0.1:8080"), "ws://127.0.0.1:8080/v1/socket");
        assert_eq!(socket_url("https://plaza.example/"), "wss://plaza.example/v1/socket");
    }

    #[test]
    fn only_http_addresses_are_taken() {
        assert!(Api::new("http://127.0.0.1:8080/").is_ok_and(|api| api.base() == "http://127.0.0.1:8080"));
        assert!(matches!(Api::new("127.0.0.1:8080"), Err(ApiError::Address(_))));
    }
}
