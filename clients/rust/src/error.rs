//! How things fail on this side.

use std::time::Duration;

use schemas::problem::Problem;
use schemas::socket::Refusal;

/// A REST call that brought no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server answered with problem details.
    #[error("{} ({}): {}", .0.code, .0.status, .0.detail)]
    Refused(Box<Problem>),
    /// The server was not reached, or the connection broke: whether the request was carried out is unknown.
    #[error("no answer from the server: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that is not what the contract says.
    #[error("status {status} with an answer that cannot be read: {why}")]
    Unreadable { status: u16, why: String },
    #[error("{0} is not the address of a Plaza")]
    Address(String),
}

impl ApiError {
    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            Self::Unreadable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may succeed later, unchanged (with the same idempotency key, if it creates something).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status == 429 || problem.status >= 500,
            Self::Unreachable(_) => true,
            Self::Unreadable { status, .. } => *status >= 500,
            Self::Address(_) => false,
        }
    }

    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after_ms.map(Duration::from_millis),
            _ => None,
        }
    }
}

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The server did not do it, and says why and whether to try again.
    #[error("{}: {}", .0.code, .0.message)]
    Refused(Refusal),
    /// The connection ended before the reply came. Whether the command was carried out is unknown.
    #[error("the connection ended before the reply came")]
    Interrupted,
    /// No connection within the time that the options allow.
    #[error("not connected")]
    NotConnected,
    /// No reply within the time that the options allow. Whether the command was carried out is unknown.
    #[error("no reply in time")]
    TimedOut,
    /// The socket has ended for good; its events say why.
    #[error("the socket is closed")]
    Closed,
    #[error("the reply cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl CommandError {
    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// How long the server asks to wait before another try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after_ms.map(Duration::from_millis),
            _ => None,
        }
    }

    /// Whether the same command may succeed later, unchanged.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.retry,
            Self::Interrupted | Self::NotConnected | Self::TimedOut => true,
            Self::Closed | Self::Unreadable(_) => false,
        }
    }
}

/// A connection that could not be made, or that has ended.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{0} is not the address of a Plaza")]
    Address(String),
    #[error("not reached: {0}")]
    Io(#[from] std::io::Error),
    #[error("not accepted: {0}")]
    WebSocket(Box<tokio_tungstenite::tungstenite::Error>),
    /// The server said no to the upgrade; 503 and 429 ask for patience.
    #[error("the server answered the upgrade with status {status}")]
    Status { status: u16, retry_after: Option<Duration> },
    /// The server closed the connection. 4000 to 4499: connect again; 4500 and above: do not.
    #[error("closed by the server: {code} {reason}")]
    Closed { code: u16, reason: String },
    #[error("the server refused to identify us: {}: {}", .0.code, .0.message)]
    Refused(Refusal),
    #[error("no access token: {0}")]
    Token(#[from] ApiError),
    #[error("a frame that the protocol does not have: {0}")]
    Protocol(String),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// First close code that means: do not come back by yourself.
const FIRST_TERMINAL_CLOSE: u16 = 4500;
/// The access token ran out. A fresh one mends it, unlike the other terminal closes.
const CLOSE_TOKEN_EXPIRED: u16 = 4504;

impl ConnectError {
    /// Whether connecting again may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Io(_) | Self::WebSocket(_) | Self::TimedOut(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Closed { code, .. } => *code < FIRST_TERMINAL_CLOSE || *code == CLOSE_TOKEN_EXPIRED,
            Self::Refused(refusal) => refusal.retry || self.wants_fresh_token(),
            Self::Token(error) => error.is_temporary(),
            Self::Address(_) | Self::Protocol(_) => false,
        }
    }

    /// Whether the access token is what was wrong.
    #[must_use]
    pub fn wants_fresh_token(&self) -> bool {
        match self {
            Self::Closed { code, .. } => *code == CLOSE_TOKEN_EXPIRED,
            Self::Refused(refusal) => refusal.code == "unauthenticated" || refusal.code == "token_expired",
            _ => false,
        }
    }

    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Refused(refusal) => refusal.retry_after_ms.map(Duration::from_millis),
            Self::Token(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for ConnectError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        use tokio_tungstenite::tungstenite::Error;
        match error {
            Error::Io(error) => Self::Io(error),
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Io(std::io::ErrorKind::ConnectionReset.into()),
            Error::Http(answer) => Self::Status {
                status: answer.status().as_u16(),
                retry_after: answer
                    .headers()
                    .get("retry-after")
                    .and_then(|value| value.to_str().ok()?.parse().ok())
                    .map(Duration::from_secs),
            },
            other => Self::WebSocket(Box::new(other)),
        }
    }
}
