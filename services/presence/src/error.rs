//! What can go wrong.

use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, StoreError};

use crate::service::WATCHED_PER_CONNECTION_MAX;

#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    #[error("{0}")]
    Invalid(Cow<'static, str>, &'static str),
    #[error("the connection watches too many people")]
    TooManyWatched,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fail for PresenceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(..) => ErrorKind::Invalid,
            Self::TooManyWatched => ErrorKind::TooLarge,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(..) => "invalid_body",
            Self::TooManyWatched => "too_many_watched",
            Self::Store(error) => error.code(),
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Invalid(why, _) => why.clone(),
            Self::TooManyWatched => {
                format!("A connection watches at most {WATCHED_PER_CONNECTION_MAX} people. Unwatch some.").into()
            }
            Self::Store(error) => error.message(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            _ => None,
        }
    }

    fn pointer(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Invalid(_, pointer) => Some(Cow::Borrowed(pointer)),
            Self::TooManyWatched => Some(Cow::Borrowed("/users")),
            _ => None,
        }
    }
}
