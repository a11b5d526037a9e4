use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::draft::{PRICE_AMOUNT_MAX, TITLE_LENGTH_MAX, Unsuited};
use crate::kinds::MEDIA_MAX;
use crate::place::{NoPlace, PLACE_NAME_LENGTH_MAX};
use crate::text::{HASHTAGS_MAX, MENTIONS_MAX, TEXT_LENGTH_MAX, Unfit};
use crate::threads::COMMENT_DEPTH_MAX;

/// How a use case of content fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    #[error(transparent)]
    Unsuited(#[from] Unsuited),
    #[error("the comment answers comments too deep")]
    TooDeep,
    #[error("a comment has no whole thread")]
    NoThread,
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
            Self::TooDeep | Self::Unsuited(Unsuited::Backwards) => ErrorKind::Conflict,
            Self::Unfit(_)
            | Self::NoPlace(_)
            | Self::Unsuited(_)
            | Self::NoThread
            | Self::NothingToEdit
            | Self::NotAHashtag
            | Self::Cursor => ErrorKind::Invalid,
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
            Self::NoPlace(NoPlace::Coordinates | NoPlace::Both) => "invalid_place",
            Self::NoPlace(NoPlace::Name) => "invalid_place_name",
            Self::Unsuited(Unsuited::Title) => "invalid_title",
            Self::Unsuited(Unsuited::Price) => "invalid_price",
            Self::Unsuited(Unsuited::TooManyMedia) => "too_many_media",
            Self::Unsuited(Unsuited::MediaNotFound) => "media_not_found",
            Self::Unsuited(Unsuited::NoVideo) => "video_required",
            Self::Unsuited(Unsuited::NotOfKind(_)) => "edit_not_of_kind",
            Self::Unsuited(Unsuited::Backwards) => "state_backwards",
            Self::TooDeep => "comment_too_deep",
            Self::NoThread => "thread_of_comment",
            Self::NothingToEdit => "nothing_to_edit",
            Self::NotAHashtag => "invalid_hashtag",
            Self::Cursor => "invalid_cursor",
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
            Self::Unsuited(Unsuited::Title) => {
                return Cow::Owned(format!("A title has 1 to {TITLE_LENGTH_MAX} characters on one line."));
            }
            Self::Unsuited(Unsuited::Price) => {
                return Cow::Owned(format!(
                    "A price has an amount of at most {PRICE_AMOUNT_MAX} and a currency like EUR."
                ));
            }
            Self::Unsuited(Unsuited::TooManyMedia) => {
                return Cow::Owned(format!("This takes at most {MEDIA_MAX} pictures and videos, each once."));
            }
            Self::Unsuited(Unsuited::MediaNotFound) => "These pictures and videos are not all there and ready.",
            Self::Unsuited(Unsuited::NoVideo) => "This has to be a video.",
            Self::Unsuited(Unsuited::NotOfKind(part)) => {
                return Cow::Owned(format!("Content of this kind has no {}.", part.name()));
            }
            Self::Unsuited(Unsuited::Backwards) => "A livestream does not go back.",
            Self::TooDeep => {
                return Cow::Owned(format!("Comments answer comments at most {COMMENT_DEPTH_MAX} deep."));
            }
            Self::NoThread => "A comment has answers, not a thread.",
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
            Self::Unsuited(Unsuited::Title) => "/title",
            Self::Unsuited(Unsuited::Price) => "/price",
            Self::Unsuited(Unsuited::TooManyMedia | Unsuited::MediaNotFound | Unsuited::NoVideo) => "/media",
            Self::Unsuited(Unsuited::NotOfKind(part)) => return Some(Cow::Owned(format!("/{}", part.name()))),
            Self::Unsuited(Unsuited::Backwards) => "/state",
            Self::NoPlace(NoPlace::Coordinates) => "/place",
            Self::NoPlace(NoPlace::Name) => "/place/name",
            Self::NoPlace(NoPlace::Both) => "/remove_place",
            _ => return None,
        }))
    }
}
