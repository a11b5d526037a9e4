//! How a request to this slice fails.

use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::model::Violation;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Violation(#[from] Violation),
    #[error("the handle is taken")]
    HandleTaken,
    #[error("wrong handle or password")]
    WrongCredentials,
    #[error("wrong password")]
    WrongPassword,
    #[error("too many attempts; the next in {0:?}")]
    TooManyAttempts(Duration),
    #[error("too many passwords are being hashed")]
    Busy,
    #[error("not an access token of ours")]
    TokenForged,
    #[error("the access token has expired")]
    TokenExpired,
    #[error("the session is over")]
    SessionRevoked,
    #[error("not a refresh token of a living session")]
    RefreshTokenInvalid,
    #[error("a refresh token was used twice")]
    RefreshTokenReused,
    #[error("no such session")]
    SessionNotFound,
    #[error("no such person")]
    PersonNotFound,
    #[error("hashing a password failed: {0}")]
    Hashing(String),
    #[error("there is no key to sign with")]
    NoKey,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another slice that was asked did not answer.
    #[error("another part failed: {}", .0.message)]
    Other(Problem),
}

impl Error {
    pub(crate) fn hashing(error: &impl ToString) -> Self {
        Self::Hashing(error.to_string())
    }
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Violation(_) => ErrorKind::Invalid,
            Self::HandleTaken => ErrorKind::Conflict,
            Self::WrongCredentials
            | Self::TokenForged
            | Self::TokenExpired
            | Self::SessionRevoked
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused => ErrorKind::Unauthenticated,
            Self::WrongPassword => ErrorKind::Forbidden,
            Self::TooManyAttempts(_) => ErrorKind::RateLimited,
            Self::Busy => ErrorKind::Unavailable,
            Self::SessionNotFound | Self::PersonNotFound => ErrorKind::NotFound,
            Self::Hashing(_) | Self::NoKey => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
            Self::Other(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Violation(violation) => violation.code(),
            Self::HandleTaken => "handle_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongPassword => "wrong_password",
            Self::TooManyAttempts(_) => "too_many_attempts",
            Self::Busy => "busy",
            Self::TokenForged => "unauthenticated",
            Self::TokenExpired => "token_expired",
            Self::SessionRevoked => "session_revoked",
            Self::RefreshTokenInvalid => "invalid_refresh_token",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::SessionNotFound => "session_not_found",
            Self::PersonNotFound => "person_not_found",
            Self::Hashing(_) | Self::NoKey => "internal",
            Self::Store(error) => error.code(),
            Self::Other(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Violation(violation) => return Cow::Owned(violation.to_string()),
            Self::HandleTaken => "This handle is taken.",
            Self::WrongCredentials => "No account has this handle and this password.",
            Self::WrongPassword => "This is not the password.",
            Self::TooManyAttempts(_) => "Too many attempts; wait before the next one.",
            Self::Busy => "Too many people are logging in at this moment; try again.",
            Self::TokenForged => "This needs a valid access token.",
            Self::TokenExpired => "This access token has expired; refresh it.",
            Self::SessionRevoked => "This session is over; log in again.",
            Self::RefreshTokenInvalid => "This refresh token is not valid; log in again.",
            Self::RefreshTokenReused => {
                "This refresh token was used before, so the session was ended for safety; log in again."
            }
            Self::SessionNotFound => "There is no such session.",
            Self::PersonNotFound => "There is no such person.",
            Self::Hashing(_) | Self::NoKey => "Something went wrong on our side.",
            Self::Store(error) => return error.message(),
            Self::Other(problem) => return problem.message.clone(),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts(wait) => Some(*wait),
            Self::Busy => Some(Duration::from_secs(1)),
            Self::Store(error) => error.retry_after(),
            Self::Other(problem) => problem.retry_after,
            _ => None,
        }
    }

    fn pointer(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Violation(violation) => Some(violation.pointer()),
            Self::HandleTaken => Some(Cow::Borrowed("/handle")),
            Self::Other(problem) => problem.pointer.clone(),
            _ => None,
        }
    }
}
