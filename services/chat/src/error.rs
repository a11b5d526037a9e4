//! How chat fails.

use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, Problem, StoreError};

use crate::log::LogError;
use crate::model::{
    EMOJI_BYTES_MAX, MEMBERS_MAX, MENTIONS_MAX, NAME_CHARS_MAX, ROOMS_PER_PERSON_MAX, TEXT_BYTES_MAX, TEXT_CHARS_MAX,
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such room, or not for this person to know")]
    RoomNotFound,
    #[error("no such message")]
    MessageNotFound,
    #[error("the message was deleted")]
    MessageDeleted,
    #[error("the message's version is another")]
    VersionMoved,
    #[error("not the message's author")]
    NotAuthor,
    #[error("the role does not allow it")]
    RoleRequired,
    #[error("a direct room's people do not change")]
    DirectIsFixed,
    #[error("one of the two blocks the other")]
    Blocked,
    #[error("not a member of the room")]
    MemberNotFound,
    #[error("no such person")]
    PersonNotFound,
    #[error("a direct room with oneself")]
    WithOneself,
    #[error("the room is full")]
    RoomFull,
    #[error("somebody is in too many rooms")]
    TooManyRooms,
    #[error("empty text")]
    TextEmpty,
    #[error("text too long")]
    TextTooLong,
    #[error("a control character in the text")]
    TextControlCharacter,
    #[error("too many mentions")]
    TooManyMentions,
    #[error("the message that is replied to is not there")]
    ReplyNotFound,
    #[error("not a room's name")]
    NameInvalid,
    #[error("not an emoji")]
    EmojiInvalid,
    #[error("too many reactions")]
    TooManyReactions,
    #[error("more than one of before, after, around")]
    SpanInvalid,
    #[error("not a cursor of this list")]
    CursorInvalid,
    #[error("too many people for that")]
    RoomTooLarge,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    /// What another slice answered.
    #[error("{}: {}", .0.code, .0.message)]
    Neighbour(Problem),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Neighbour(problem)
    }
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::RoomNotFound | Self::MessageNotFound | Self::MemberNotFound | Self::PersonNotFound => {
                ErrorKind::NotFound
            }
            Self::MessageDeleted
            | Self::VersionMoved
            | Self::RoomFull
            | Self::TooManyRooms
            | Self::TooManyReactions => ErrorKind::Conflict,
            Self::NotAuthor | Self::RoleRequired | Self::DirectIsFixed | Self::Blocked | Self::RoomTooLarge => {
                ErrorKind::Forbidden
            }
            Self::WithOneself
            | Self::TextEmpty
            | Self::TextTooLong
            | Self::TextControlCharacter
            | Self::TooManyMentions
            | Self::ReplyNotFound
            | Self::NameInvalid
            | Self::EmojiInvalid
            | Self::SpanInvalid
            | Self::CursorInvalid => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Log(error) => error.kind(),
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RoomNotFound => "room_not_found",
            Self::MessageNotFound => "message_not_found",
            Self::MessageDeleted => "message_deleted",
            Self::VersionMoved => "version_moved",
            Self::NotAuthor => "not_your_message",
            Self::RoleRequired => "role_required",
            Self::DirectIsFixed => "direct_room_is_fixed",
            Self::Blocked => "blocked",
            Self::MemberNotFound => "member_not_found",
            Self::PersonNotFound => "person_not_found",
            Self::WithOneself => "room_with_oneself",
            Self::RoomFull => "room_full",
            Self::TooManyRooms => "too_many_rooms",
            Self::TextEmpty => "message_empty",
            Self::TextTooLong => "message_too_long",
            Self::TextControlCharacter => "message_control_character",
            Self::TooManyMentions => "too_many_mentions",
            Self::ReplyNotFound => "reply_not_found",
            Self::NameInvalid => "invalid_room_name",
            Self::EmojiInvalid => "invalid_emoji",
            Self::TooManyReactions => "too_many_reactions",
            Self::SpanInvalid => "invalid_span",
            Self::CursorInvalid => "invalid_cursor",
            Self::RoomTooLarge => "room_too_large",
            Self::Store(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::RoomNotFound => "There is no such room.",
            Self::MessageNotFound => "There is no such message.",
            Self::MessageDeleted => "This message was deleted.",
            Self::VersionMoved => "The message was changed meanwhile.",
            Self::NotAuthor => "Only its author may edit a message; its author and the room's admins may delete it.",
            Self::RoleRequired => "Your role in this room does not allow this.",
            Self::DirectIsFixed => "A direct room has its two people, and no settings.",
            Self::Blocked => "One of you blocks the other.",
            Self::MemberNotFound => "That person is not in this room.",
            Self::PersonNotFound => "There is no such person.",
            Self::WithOneself => "A direct room is with somebody else.",
            Self::RoomFull => return Cow::Owned(format!("A room has at most {MEMBERS_MAX} members.")),
            Self::TooManyRooms => {
                return Cow::Owned(format!("A person is in at most {ROOMS_PER_PERSON_MAX} rooms."));
            }
            Self::TextEmpty => "A message needs some text.",
            Self::TextTooLong => {
                return Cow::Owned(format!(
                    "A message has at most {TEXT_CHARS_MAX} characters, and {TEXT_BYTES_MAX} bytes."
                ));
            }
            Self::TextControlCharacter => "A message has no control characters besides line breaks and tabs.",
            Self::TooManyMentions => {
                return Cow::Owned(format!("A message mentions at most {MENTIONS_MAX} people."));
            }
            Self::ReplyNotFound => "The message that this one replies to is not there.",
            Self::NameInvalid => {
                return Cow::Owned(format!("A room's name has 1 to {NAME_CHARS_MAX} characters on one line."));
            }
            Self::EmojiInvalid => {
                return Cow::Owned(format!("A reaction is one emoji of at most {EMOJI_BYTES_MAX} bytes."));
            }
            Self::TooManyReactions => "No more reactions fit: ten of one person, fifty kinds under one message.",
            Self::SpanInvalid => "Name at most one of before, after and around.",
            Self::CursorInvalid => "This cursor was not made by this list.",
            Self::RoomTooLarge => "This room has too many people for that.",
            Self::Store(error) => return error.message(),
            Self::Log(error) => return error.message(),
            Self::Neighbour(problem) => return problem.message.clone(),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Log(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
            _ => None,
        }
    }

    fn pointer(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::TextEmpty | Self::TextTooLong | Self::TextControlCharacter | Self::TooManyMentions => {
                Some("/text".into())
            }
            Self::ReplyNotFound => Some("/reply_to".into()),
            Self::NameInvalid => Some("/name".into()),
            Self::WithOneself => Some("/user".into()),
            _ => None,
        }
    }
}
