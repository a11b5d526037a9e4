use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

/// How a use case of inboxes fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the cursor is of another list")]
    Cursor,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What inboxes ask of other slices failed.
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
            Self::Cursor => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor => "invalid_cursor",
            Self::Store(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Cursor => Cow::Borrowed("This cursor was not made by this list."),
            Self::Store(error) => error.message(),
            Self::Neighbour(problem) => problem.message.clone(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cursor => None,
            Self::Store(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
        }
    }
}
