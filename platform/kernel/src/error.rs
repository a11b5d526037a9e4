//! What failures have in common.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The nine ways in which a request fails, as its caller sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong, and will be wrong again.
    Invalid,
    /// No, or no valid, proof of who is asking.
    Unauthenticated,
    /// Known caller, not allowed.
    Forbidden,
    /// Not there, or not for this caller to know that it is.
    NotFound,
    /// At odds with the present state.
    Conflict,
    /// Larger than a named limit.
    TooLarge,
    /// Too often; try again after a while.
    RateLimited,
    /// A store or a peer did not answer; the same request may succeed later.
    Unavailable,
    /// Our fault.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed later, unchanged.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Internal)
    }
}

/// Implemented by each slice's error enum.
///
/// The error's own `Display` and `source` are for logs. [`Fail::message`] is what a caller sees, and never carries what
/// a driver said.
pub trait Fail: Error {
    fn kind(&self) -> ErrorKind;

    /// A stable, documented `snake_case` name.
    fn code(&self) -> &'static str;

    /// One sentence for the caller.
    fn message(&self) -> Cow<'static, str>;

    /// When trying again makes sense, if that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Which member of the request is to blame, as a JSON pointer (RFC 6901).
    fn pointer(&self) -> Option<Cow<'static, str>> {
        None
    }
}

/// A failure ready for the edge: to be rendered as RFC 9457 problem details or as an error frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: ErrorKind,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    pub retry_after: Option<Duration>,
    pub pointer: Option<Cow<'static, str>>,
    /// What the error said of itself, when it was our fault or a store's: for logs, never for the caller.
    pub cause: Option<Arc<str>>,
}

impl Problem {
    #[must_use]
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code, message: message.into(), retry_after: None, pointer: None, cause: None }
    }

    #[must_use]
    pub fn at(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl<E: Fail> From<E> for Problem {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            code: error.code(),
            message: error.message(),
            retry_after: error.retry_after(),
            pointer: error.pointer(),
            cause: matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable).then(|| cause(&error)),
        }
    }
}

/// The error and what lies under it, on one line.
fn cause(error: &dyn Error) -> Arc<str> {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let said = error.to_string();
        // Many errors already say what their source says.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        below = error.source();
    }
    text.into()
}

/// A store's failure, translated from its driver in one place a store.
#[derive(Debug)]
pub enum StoreError {
    /// The store refused or was not reached: nothing was written.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The connection broke or timed out after the write was sent: it may have happened. Callers that can repeat
    /// idempotently should.
    Unknown(Box<dyn Error + Send + Sync>),
    /// A named constraint refused the write.
    Constraint(String),
    /// What was read cannot be understood, or the statement is wrong: a bug.
    Broken(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    pub fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken(error.into())
    }

    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// Whether a write certainly did not happen.
    #[must_use]
    pub const fn certainly_not_written(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Constraint(_))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "store unavailable: {why}"),
            Self::Unknown(why) => write!(f, "store did not confirm the write: {why}"),
            Self::Constraint(name) => write!(f, "constraint {name} refused the write"),
            Self::Broken(why) => write!(f, "store answered what cannot be used: {why}"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(why) | Self::Unknown(why) | Self::Broken(why) => Some(&**why),
            Self::Constraint(_) => None,
        }
    }
}

impl Fail for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) | Self::Unknown(_) => ErrorKind::Unavailable,
            Self::Constraint(_) => ErrorKind::Conflict,
            Self::Broken(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "store_unavailable",
            Self::Unknown(_) => "outcome_unknown",
            Self::Constraint(_) => "conflict",
            Self::Broken(_) => "internal",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unavailable(_) => "A store did not answer. Nothing was changed; try again.",
            Self::Unknown(_) => "A store did not confirm in time. Repeat the request with the same idempotency key.",
            Self::Constraint(_) => "The request is at odds with the present state.",
            Self::Broken(_) => "Something went wrong on our side.",
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        self.kind().is_temporary().then_some(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_what_the_store_said_for_the_log_only() {
        let problem = Problem::from(StoreError::unavailable("connection refused"));
        assert!(!problem.message.contains("refused"));
        assert_eq!(problem.cause.as_deref(), Some("store unavailable: connection refused"));
        assert_eq!(Problem::from(StoreError::Constraint("handle".to_owned())).cause, None);
    }
}
