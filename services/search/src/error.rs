use std::borrow::Cow;
use std::time::Duration;

use index::{EngineError, QueryError};
use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::model::{PREFIX_LENGTH_MAX, RADIUS_M_MAX, RADIUS_M_MIN, TEXT_LENGTH_MAX, Unfit, WORDS_MAX};

/// How searching fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("not a hashtag")]
    NotAHashtag,
    #[error("no such person, or not for the caller to know")]
    PersonNotFound,
    #[error("no such room, or the caller is not in it")]
    RoomNotFound,
    #[error("the cursor is of another search, or forged")]
    Cursor,
    #[error(transparent)]
    Engine(EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What search asks of other slices failed.
    #[error("{} ({})", .0.message, .0.code)]
    Neighbour(Problem),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Neighbour(problem)
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Query(QueryError::After) => Self::Cursor,
            EngineError::Query(QueryError::Text) => Self::Unfit(Unfit::Text),
            other => Self::Engine(other),
        }
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
            Self::Unfit(_) | Self::NotAHashtag | Self::Cursor => ErrorKind::Invalid,
            Self::PersonNotFound | Self::RoomNotFound => ErrorKind::NotFound,
            Self::Engine(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unfit(Unfit::Empty) => "search_empty",
            Self::Unfit(Unfit::Text | Unfit::Prefix) => "invalid_search_text",
            Self::Unfit(Unfit::Kinds | Unfit::CompletedKinds) => "invalid_search_kinds",
            Self::Unfit(Unfit::Language) => "invalid_search_language",
            Self::Unfit(Unfit::Period) => "invalid_search_period",
            Self::Unfit(Unfit::Area) => "invalid_search_area",
            Self::Unfit(Unfit::Order) => "invalid_search_order",
            Self::NotAHashtag => "invalid_hashtag",
            Self::PersonNotFound => "person_not_found",
            Self::RoomNotFound => "room_not_found",
            Self::Cursor => "invalid_cursor",
            Self::Engine(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unfit(Unfit::Empty) => "Name at least one of q, author, tag, near, box and room.",
            Self::Unfit(Unfit::Text) => {
                return Cow::Owned(format!(
                    "What is searched for has 1 to {TEXT_LENGTH_MAX} characters and at most {WORDS_MAX} words."
                ));
            }
            Self::Unfit(Unfit::Prefix) => {
                return Cow::Owned(format!("What is completed has 1 to {PREFIX_LENGTH_MAX} characters."));
            }
            Self::Unfit(Unfit::Kinds) => {
                "Kinds are person, hashtag, the kinds of content and message, each once; of a room, message."
            }
            Self::Unfit(Unfit::CompletedKinds) => "Completed are person and hashtag, each once.",
            Self::Unfit(Unfit::Language) => "No language that search knows has this code.",
            Self::Unfit(Unfit::Period) => "Times are RFC 3339, and since is before until.",
            Self::Unfit(Unfit::Area) => {
                return Cow::Owned(format!(
                    "An area is near=latitude,longitude with a radius_m of {RADIUS_M_MIN} to {RADIUS_M_MAX}, or \
                     box=south,west,north,east."
                ));
            }
            Self::Unfit(Unfit::Order) => "An order is relevance, newest, or nearest, which needs near.",
            Self::NotAHashtag => "This is not a hashtag.",
            Self::PersonNotFound => "There is no such person.",
            Self::RoomNotFound => "There is no such room.",
            Self::Cursor => "This cursor was not made by this list.",
            Self::Engine(error) => return error.message(),
            Self::Store(error) => return error.message(),
            Self::Neighbour(problem) => return problem.message.clone(),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Engine(error) => error.retry_after(),
            Self::Store(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
            _ => None,
        }
    }
}
