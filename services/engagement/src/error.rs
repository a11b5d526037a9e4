use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::model::{SHARE_TEXT_LENGTH_MAX, VIEWS_MAX};

/// How a use case of engagement fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such content, or not for the caller to know")]
    NotFound,
    #[error("the words are not fit to be shared")]
    ShareText,
    /// Where in the batch.
    #[error("the batch of views is past a limit at {0}")]
    Views(String),
    #[error("the cursor is of another list")]
    Cursor,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What engagement asks of other slices failed.
    #[error("{} ({})", .0.message, .0.code)]
    Neighbour(Problem),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Neighbour(problem)
    }
}

impl From<kernel::CursorError> for Error {
    fn from(_: kernel::CursorError) -> Self {
        Self::Cursor
    }
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::ShareText | Self::Views(_) | Self::Cursor => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "content_not_found",
            Self::ShareText => "invalid_share_text",
            Self::Views(_) => "invalid_views",
            Self::Cursor => "invalid_cursor",
            Self::Store(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NotFound => "There is no such content.",
            Self::ShareText => {
                return Cow::Owned(format!(
                    "The words of a share have 1 to {SHARE_TEXT_LENGTH_MAX} characters, and no control characters besides line breaks and tabs."
                ));
            }
            Self::Views(_) => {
                return Cow::Owned(format!(
                    "A batch has 1 to {VIEWS_MAX} views, each with the id of a request and at most an hour."
                ));
            }
            Self::Cursor => "This cursor was not made by this list.",
            Self::Store(error) => return error.message(),
            Self::Neighbour(problem) => return problem.message.clone(),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
            _ => None,
        }
    }

    fn pointer(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::ShareText => Some(Cow::Borrowed("/text")),
            Self::Views(place) => Some(Cow::Owned(place.clone())),
            _ => None,
        }
    }
}
