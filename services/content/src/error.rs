use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::place::{NoPlace, PLACE_NAME_LENGTH_MAX};
use crate::text::{HASHTAGS_MAX, MENTIONS_MAX, TEXT_LENGTH_MAX, Unfit};

/// How a use case of content fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    #[error("the edit changes nothing")]
    NothingToEdit,
    #[error("not a hashtag")]
    NotAHashtag,
    #[error("the cursor is of another list")]
    Cursor,
    #[error("no such content, or not for the caller to know")]
    NotFound,
    #[error("no such person, or not for the caller to know")]
    PersonNotFound,
    #[error("it is somebody else's")]
    NotYours,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What content asks of other slices failed.
    #[error("{0:?}")]
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
            Self::Unfit(_) | Self::NoPlace(_) | Self::NothingToEdit | Self::NotAHashtag | Self::Cursor => {
                ErrorKind::Invalid
            }
            Self::NotFound | Self::PersonNotFound => ErrorKind::NotFound,
            Self::NotYours => ErrorKind::Forbidden,
            Self::Store(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unfit(Unfit::Empty) => "text_empty",
            Self::Unfit(Unfit::TooLong) => "text_too_long",
            Self::Unfit(Unfit::ControlCharacter) => "text_control_character",
            Self::Unfit(Unfit::TooManyMentions) => "too_many_mentions",
            Self::Unfit(Unfit::TooManyHashtags) => "too_many_hashtags",
            Self::NoPlace(NoPlace::Coordinates | NoPlace::Both) => "place_invalid",
            Self::NoPlace(NoPlace::Name) => "place_name_invalid",
            Self::NothingToEdit => "nothing_to_edit",
            Self::NotAHashtag => "hashtag_invalid",
            Self::Cursor => "cursor_invalid",
            Self::NotFound => "content_not_found",
            Self::PersonNotFound => "person_not_found",
            Self::NotYours => "not_your_content",
            Self::Store(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unfit(Unfit::Empty) => "This needs some text.",
            Self::Unfit(Unfit::TooLong) => {
                return Cow::Owned(format!("A text has at most {TEXT_LENGTH_MAX} characters."));
            }
            Self::Unfit(Unfit::ControlCharacter) => "A text has no control characters besides line breaks and tabs.",
            Self::Unfit(Unfit::TooManyMentions) => {
                return Cow::Owned(format!("A text mentions at most {MENTIONS_MAX} people."));
            }
            Self::Unfit(Unfit::TooManyHashtags) => {
                return Cow::Owned(format!("A text has at most {HASHTAGS_MAX} hashtags."));
            }
            Self::NoPlace(NoPlace::Coordinates) => {
                "A place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees."
            }
            Self::NoPlace(NoPlace::Name) => {
                return Cow::Owned(format!(
                    "The name of a place has 1 to {PLACE_NAME_LENGTH_MAX} characters on one line."
                ));
            }
            Self::NoPlace(NoPlace::Both) => "An edit sets the place or removes it, not both.",
            Self::NothingToEdit => "Name what is to change.",
            Self::NotAHashtag => "This is not a hashtag.",
            Self::Cursor => "This cursor was not made by this list.",
            Self::NotFound => "There is no such content.",
            Self::PersonNotFound => "There is no such person.",
            Self::NotYours => "Only its author may do that.",
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
        Some(Cow::Borrowed(match self {
            Self::Unfit(_) => "/text",
            Self::NoPlace(NoPlace::Coordinates) => "/place",
            Self::NoPlace(NoPlace::Name) => "/place/name",
            Self::NoPlace(NoPlace::Both) => "/remove_place",
            _ => return None,
        }))
    }
}
