use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

/// How feeds fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the cursor is of another list")]
    Cursor,
    #[error("the area is not on the globe, or too large")]
    Area,
    #[error("a language is two letters")]
    Language,
    #[error("no such content for this viewer")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What feeds ask of other slices failed.
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
            Self::Cursor | Self::Area | Self::Language => ErrorKind::Invalid,
            Self::NotFound => ErrorKind::NotFound,
            Self::Store(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor => "invalid_cursor",
            Self::Area => "invalid_area",
            Self::Language => "invalid_feed_language",
            Self::NotFound => "content_not_found",
            Self::Store(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Cursor => Cow::Borrowed("This cursor was not made by this list."),
            Self::Area => Cow::Borrowed("An area is near=latitude,longitude with a radius_m of 1 to 500000."),
            Self::Language => Cow::Borrowed("A language is two letters, as in `en`."),
            Self::NotFound => Cow::Borrowed("There is no such content."),
            Self::Store(error) => error.message(),
            Self::Neighbour(problem) => problem.message.clone(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cursor | Self::Area | Self::Language | Self::NotFound => None,
            Self::Store(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
        }
    }
}
