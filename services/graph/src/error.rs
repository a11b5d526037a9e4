//! How a request to this slice fails.

use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::model::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such person")]
    PersonNotFound,
    #[error("that is the caller")]
    Oneself,
    #[error("refused: {0:?}")]
    Refused(Refusal),
    #[error("the lists of a private account are for its followers")]
    ListPrivate,
    #[error("a cursor of another list")]
    Cursor,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another slice that was asked did not answer.
    #[error("another part failed: {}", .0.message)]
    Other(Problem),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::PersonNotFound,
            other => Self::Refused(other),
        }
    }
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::PersonNotFound | Self::Refused(Refusal::NotFound | Refusal::NoRequest) => ErrorKind::NotFound,
            Self::Oneself | Self::Cursor => ErrorKind::Invalid,
            Self::Refused(_) => ErrorKind::Conflict,
            Self::ListPrivate => ErrorKind::Forbidden,
            Self::Store(error) => error.kind(),
            Self::Other(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::PersonNotFound | Self::Refused(Refusal::NotFound) => "person_not_found",
            Self::Oneself => "self_relation",
            Self::Refused(Refusal::Blocked) => "person_blocked",
            Self::Refused(Refusal::FollowingLimit) => "following_limit_reached",
            Self::Refused(Refusal::BlockLimit) => "block_limit_reached",
            Self::Refused(Refusal::MuteLimit) => "mute_limit_reached",
            Self::Refused(Refusal::CloseFriendLimit) => "close_friend_limit_reached",
            Self::Refused(Refusal::NoRequest) => "request_not_found",
            Self::ListPrivate => "list_private",
            Self::Cursor => "invalid_cursor",
            Self::Store(error) => error.code(),
            Self::Other(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::PersonNotFound | Self::Refused(Refusal::NotFound) => "There is no such person.",
            Self::Oneself => "That person is you.",
            Self::Refused(Refusal::Blocked) => "You block this person. Unblock them first.",
            Self::Refused(Refusal::FollowingLimit) => "Nobody follows more than 7500 people.",
            Self::Refused(Refusal::BlockLimit) => "Nobody blocks more than 10000 people.",
            Self::Refused(Refusal::MuteLimit) => "Nobody mutes more than 10000 people.",
            Self::Refused(Refusal::CloseFriendLimit) => "Nobody has more than 1000 close friends.",
            Self::Refused(Refusal::NoRequest) => "This person does not ask to follow you.",
            Self::ListPrivate => "Only followers of a private account see its lists.",
            Self::Cursor => "This cursor was not made by this list.",
            Self::Store(error) => return error.message(),
            Self::Other(problem) => return problem.message.clone(),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Other(problem) => problem.retry_after,
            _ => None,
        }
    }
}
