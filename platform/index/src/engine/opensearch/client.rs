//! Requests to OpenSearch, and what went wrong with them.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::time::Duration;

use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use opensearch::http::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;

use crate::engine::EngineError;

/// Longest wait for an answer, unless a request has a limit of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A read whose connection broke is sent again so often: idle connections end when a server restarts.
const READ_RETRIES_MAX: u32 = 2;
const READ_RETRY_AFTER: Duration = Duration::from_millis(50);
/// How much of what OpenSearch said goes into an error, in characters.
const SAID_CHARS_MAX: usize = 500;

/// A connection pool to one address. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    transport: Transport,
}

/// What is asked.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<Vec<u8>>,
    pub lines: bool,
    pub within: Duration,
}

impl<'a> Ask<'a> {
    pub fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, query: &[], body: None, lines: false, within: ANSWER_WITHIN }
    }

    pub fn get(path: &'a str) -> Self {
        Self::new(Method::Get, path)
    }

    pub fn post(path: &'a str) -> Self {
        Self::new(Method::Post, path)
    }

    pub fn query(mut self, query: &'a [(&'a str, &'a str)]) -> Self {
        self.query = query;
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    /// Newline-delimited JSON.
    pub fn lines(mut self, body: Vec<u8>) -> Self {
        (self.body, self.lines) = (Some(body), true);
        self
    }

    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }
}

/// What was answered, whatever the status.
pub(super) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// The error that OpenSearch puts into an answer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Said {
    #[serde(rename = "type", default)]
    pub name: String,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub caused_by: Option<Box<Said>>,
}

impl Said {
    /// In one line, cut to a length that an error may have.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}", self.name, self.reason.as_deref().unwrap_or("no reason given"));
        if let Some(cause) = &self.caused_by {
            // To a string it cannot fail.
            let _ = write!(text, " ({}: {})", cause.name, cause.reason.as_deref().unwrap_or_default());
        }
        short(&text)
    }
}

impl Client {
    /// Connects to nothing yet.
    pub fn new(url: &str) -> Result<Self, EngineError> {
        let url = Url::parse(url).map_err(|error| EngineError::broken(format!("the address is none: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EngineError::broken("the address begins with neither http:// nor https://"));
        }
        // TLS needs one provider in the process; who came first has made the same choice.
        drop(rustls::crypto::ring::default_provider().install_default());
        let transport = TransportBuilder::new(SingleNodeConnectionPool::new(url))
            // A store is not asked through the proxy of those who browse.
            .disable_proxy()
            .build()
            .map_err(EngineError::broken)?;
        Ok(Self { transport })
    }

    /// Sends once. An error means that there was no whole answer.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, EngineError> {
        self.once(ask).await.map_err(unreached)
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Answer, opensearch::Error> {
        let mut headers = HeaderMap::new();
        if ask.lines {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        }
        let query = (!ask.query.is_empty()).then_some(ask.query);
        let answer =
            self.transport.send(ask.method, ask.path, headers, query, ask.body.as_deref(), Some(ask.within)).await?;
        let status = answer.status_code().as_u16();
        Ok(Answer { status, body: answer.bytes().await?.into() })
    }

    /// Sends what changes nothing, or nothing more when it comes twice: again, when the connection broke.
    pub async fn repeat(&self, ask: &Ask<'_>) -> Result<Answer, EngineError> {
        let mut retries = 0;
        loop {
            match self.once(ask).await {
                // Who took too long once would again, and the caller waits.
                Err(error) if retries < READ_RETRIES_MAX && !error.is_timeout() => {
                    retries += 1;
                    tracing::debug!(%error, path = ask.path, "asking OpenSearch again");
                    sleep(READ_RETRY_AFTER.mul_f64(f64::from(retries) * (0.5 + rand::random::<f64>()))).await;
                }
                answer => return answer.map_err(unreached),
            }
        }
    }

    /// Like [`Client::repeat`], for an answer that must be a good one.
    pub async fn read<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, EngineError> {
        self.repeat(ask).await?.good()?.parse()
    }
}

impl Answer {
    pub const fn is_good(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    pub fn good(self) -> Result<Self, EngineError> {
        if self.is_good() { Ok(self) } else { Err(self.error()) }
    }

    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, EngineError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| EngineError::broken(format!("OpenSearch answered what cannot be read: {error}")))
    }

    /// What OpenSearch said was wrong, if it did.
    pub fn said(&self) -> Option<Said> {
        #[derive(Deserialize)]
        struct Body {
            error: Said,
        }
        serde_json::from_slice::<Body>(&self.body).ok().map(|body| body.error)
    }

    pub fn says(&self, name: &str) -> bool {
        self.said().is_some_and(|said| said.name == name)
    }

    pub fn text(&self) -> String {
        match self.said() {
            Some(said) => format!("{} {}", self.status, said.text()),
            None => format!("{} {}", self.status, short(&String::from_utf8_lossy(&self.body))),
        }
    }

    /// The answer, taken for a failure of the whole request.
    pub fn error(&self) -> EngineError {
        let text = self.text();
        match self.status {
            429 => EngineError::Busy(text.into()),
            500.. => EngineError::Unavailable(text.into()),
            // A full disk or an operator has blocked the index: 403, and over when they say so.
            _ if self.says(CLUSTER_BLOCK) => EngineError::Busy(text.into()),
            _ => EngineError::broken(text),
        }
    }
}

pub(super) const CLUSTER_BLOCK: &str = "cluster_block_exception";
pub(super) const NO_INDEX: &str = "index_not_found_exception";

fn unreached(error: opensearch::Error) -> EngineError {
    EngineError::Unavailable(chain(&error).into())
}

/// An error with what caused it; reqwest's own text leaves that out.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        below = error.source();
    }
    text
}

fn short(text: &str) -> String {
    text.chars().take(SAID_CHARS_MAX).collect()
}
