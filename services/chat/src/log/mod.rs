//! The message log: the durable, dense sequence of a room's messages.

pub mod cassandra;
pub mod postgres;

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{ErrorKind, Fail, MessageId, RoomId, StoreError, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sequencer::{Gate, Key, Moment};

/// A message that has no number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub room: RoomId,
    pub sender: UserId,
    /// Made by the sender's device. A second draft with the same one is the same message.
    pub client_id: Uuid,
    pub text: String,
    pub reply_to: Option<u64>,
    pub mentions: Vec<UserId>,
    pub at: Timestamp,
}

impl Draft {
    #[must_use]
    pub const fn key(&self) -> Key {
        Key { room: self.room, sender: self.sender, client_id: self.client_id }
    }
}

/// Whether a draft is a repeat, as far as a log can tell by looking.
#[derive(Debug, Clone, Default)]
pub struct LookedUp {
    pub(crate) found: Option<Box<Message>>,
    /// Not later than when it was looked.
    pub(crate) at: Option<Moment>,
    /// The gate under which the sender may speak, if that was not asked just now.
    pub gate: Option<Gate>,
}

impl LookedUp {
    /// The message of which it is a repeat.
    #[must_use]
    pub fn found(&self) -> Option<&Message> {
        self.found.as_deref()
    }
}

/// One entry of a room's log.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub room: RoomId,
    /// 1 for a room's first message, and one more for each that follows.
    pub seq: u64,
    pub body: Body,
}

/// What is kept of a message, besides where it is.
///
/// Serialised into the log, so members are added as optional ones and never change their meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    pub id: MessageId,
    /// Nobody, where a number was given up because its writer died and left no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    /// Empty once deleted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// 1 when sent, one more with each edit and with its deletion.
    pub version: u32,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Body {
    pub(crate) fn of(draft: Draft) -> Self {
        Self {
            id: MessageId::new(draft.at),
            sender: Some(draft.sender),
            client_id: Some(draft.client_id),
            text: draft.text,
            reply_to: draft.reply_to,
            mentions: draft.mentions,
            version: 1,
            created_at: draft.at,
            edited_at: None,
            deleted_at: None,
        }
    }

    /// What stands where a number was given up: the same for whoever reads it.
    pub(crate) fn void(room: RoomId, seq: u64) -> Self {
        let at = room.created_at();
        Self {
            // The room's own bits, and the number among the random ones.
            id: MessageId::from_uuid(Uuid::from_u128(room.uuid().as_u128() ^ u128::from(seq))),
            sender: None,
            client_id: None,
            text: String::new(),
            reply_to: None,
            mentions: Vec::new(),
            version: 1,
            created_at: at,
            edited_at: None,
            deleted_at: Some(at),
        }
    }

    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

/// What [`MessageLog::append`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    pub message: Message,
    /// Whether the message was there before: this draft is a repeat.
    pub duplicate: bool,
    /// The room's gate, where the log has gates and the message is new.
    pub gate: Option<Gate>,
    pub(crate) unsettled: Option<Unsettled>,
}

/// A number that is still pending, of a message that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsettled {
    pub key: Key,
    pub stamp: i64,
}

/// Where a room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The newest number; 0 for a room without messages.
    pub seq: u64,
    /// Not earlier than when that message could first be read, but for the differences of clocks.
    pub at: Timestamp,
}

/// Which part of a room's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Latest,
    /// Those that precede a sequence number, the nearest.
    Before(u64),
    /// Those that follow a sequence number, the nearest.
    After(u64),
    /// A sequence number in the middle of those that surround it.
    Around(u64),
}

impl Span {
    /// Most messages of one page.
    pub const LENGTH_MAX: u64 = 100;

    /// The sequence numbers to read, both ends included; without an end, up to the newest.
    pub(crate) const fn range(self, head: u64, length: u64) -> (u64, Option<u64>) {
        let (first, last) = match self {
            Self::Latest => (head.saturating_sub(length) + 1, None),
            Self::Before(seq) => (seq.saturating_sub(length), Some(seq.saturating_sub(1))),
            Self::After(seq) => (seq.saturating_add(1), Some(seq.saturating_add(length))),
            Self::Around(seq) => {
                let first = seq.saturating_sub(length / 2);
                let first = if first == 0 { 1 } else { first };
                (first, Some(first.saturating_add(length - 1)))
            }
        };
        (if first == 0 { 1 } else { first }, last)
    }
}

/// How often an emoji stands under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub seq: u64,
    pub emoji: String,
    pub count: u64,
    /// Whether it is the viewer's, too.
    pub mine: bool,
}

/// One person's reaction to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub room: RoomId,
    pub seq: u64,
    pub user: UserId,
    pub emoji: String,
    pub at: Timestamp,
}

/// What [`MessageLog::react`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reacted {
    Added,
    /// It was there already.
    Unchanged,
    /// The person has set [`REACTIONS_PER_PERSON_MAX`] already.
    TooManyOfPerson,
    /// The message has [`EMOJI_PER_MESSAGE_MAX`] kinds, or [`REACTIONS_PER_MESSAGE_MAX`] reactions already.
    TooManyOfMessage,
}

/// Different emoji that one person may set under one message.
pub const REACTIONS_PER_PERSON_MAX: usize = 10;
/// Different emoji under one message.
pub const EMOJI_PER_MESSAGE_MAX: usize = 50;
/// Reactions to one message; what a full group of 1,000 can set. Bounds a partition.
pub const REACTIONS_PER_MESSAGE_MAX: u64 = 10_000;

/// The message log. Implementations: [`postgres`], and [`cassandra`] over a [`crate::sequencer::Sequencer`].
///
/// MUSTs, each a case of the conformance suite:
/// - Sequence numbers of a room are dense: 1, 2, 3 …, whoever appends, however often, on however many nodes.
/// - When [`MessageLog::append`] returns, the message is durable and every node reads it.
/// - A draft's (room, sender, client id) names one message: a repeat, at the same time or later, returns the first, also when
///   nobody looked because of a moment that is true.
/// - After an error, repeating the same draft neither loses nor doubles it.
/// - No message is appended under a gate that was moved before it began.
/// - A page is contiguous and in order, and ends before a number that may still be filled.
/// - A message's `version` only rises; of two changes from the same version one is refused.
/// - Counts of reactions follow from who reacted: setting or taking back twice counts once.
#[async_trait]
pub trait MessageLog: Send + Sync {
    async fn append(&self, draft: Draft) -> Result<Appended, LogError> {
        let looked_up = self.look_up(&draft.key(), None).await?;
        let appended = self.append_new(draft, looked_up).await?;
        self.settle(&appended).await;
        Ok(appended)
    }

    /// For [`MessageLog::look_up`], if it is asked before a client id is made. `None`: looking costs nothing here.
    fn now(&self, room: RoomId) -> Option<Moment>;

    /// The part of [`MessageLog::append`] that changes nothing, for who has something else to wait for meanwhile. A moment at
    /// which the client id was not there yet spares the look, when it is not long ago.
    async fn look_up(&self, key: &Key, made_after: Option<Moment>) -> Result<LookedUp, LogError>;

    /// What follows it: the message is durable. [`LogError::Moved`] if the draft's gate is no longer the room's.
    async fn append_new(&self, draft: Draft, looked_up: LookedUp) -> Result<Appended, LogError>;

    /// The end of it: from now on [`MessageLog::heads`] shows the message. Whoever begins it before they publish the message need not wait for
    /// it: nobody who hears of it finds it missing there. What fails here is made good by the next who write or read.
    async fn settle(&self, _: &Appended) {}

    /// Somebody no longer may speak in a room, which is committed: when this returns, no message is appended under the gate of before.
    /// So no failure says that nothing was changed.
    async fn move_gate(&self, room: RoomId) -> Result<(), LogError>;

    /// At most `length` messages in ascending order.
    async fn page(&self, room: RoomId, span: Span, length: u64) -> Result<Vec<Message>, LogError>;

    async fn get(&self, room: RoomId, seq: u64) -> Result<Option<Message>, LogError>;

    /// Puts `message` in the place of its version before, `message.body.version - 1`. `false`: that is no longer its
    /// version.
    async fn replace(&self, message: &Message) -> Result<bool, LogError>;

    /// Where rooms stand, in the order asked. A fixed number of round trips.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, LogError>;

    /// Messages by room and number, the rooms' newest, in the order asked. A fixed number of round trips.
    async fn latest(&self, heads: &[(RoomId, u64)]) -> Result<Vec<Option<Message>>, LogError>;

    /// Limits are exact where the store can lock, and else may be passed by those who react in the same moment.
    async fn react(&self, reaction: &Reaction) -> Result<Reacted, LogError>;

    /// Whether it was there.
    async fn unreact(&self, reaction: &Reaction) -> Result<bool, LogError>;

    /// What stands under the messages `first..=last` (at most [`Span::LENGTH_MAX`]), by message and emoji.
    async fn tallies(&self, room: RoomId, first: u64, last: u64, viewer: UserId) -> Result<Vec<Tally>, LogError>;

    /// Who set an emoji, in the order of their ids.
    async fn reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, LogError>;
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The memory of sequence numbers was lost; they are given again when those who hold one must have finished.
    #[error("sequence numbers rest for {} ms", .0.as_millis())]
    Resting(Duration),
    /// Whether the sender may speak must be asked again.
    #[error("the room's gate has moved")]
    Moved,
    /// Too many messages of this room are being written.
    #[error("the room has as many unfinished messages as it may have")]
    Full,
}

impl Fail for LogError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Resting(_) | Self::Moved | Self::Full => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Resting(_) | Self::Moved => "store_unavailable",
            Self::Full => "room_busy",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.message(),
            Self::Resting(_) => "A store is being restored. Nothing was changed; try again.".into(),
            Self::Moved => "The room has just changed. Nothing was changed; try again.".into(),
            Self::Full => "Too much is being said in this room at once. Nothing was changed; try again.".into(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Resting(wait) => Some(*wait),
            Self::Moved | Self::Full => Some(Duration::from_millis(250)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_exactly_the_numbers_that_they_want() {
        assert_eq!(Span::Latest.range(250, 100), (151, None));
        assert_eq!(Span::Latest.range(3, 100), (1, None));
        assert_eq!(Span::Latest.range(0, 100), (1, None));
        assert_eq!(Span::Before(101).range(250, 100), (1, Some(100)));
        assert_eq!(Span::Before(1).range(250, 100), (1, Some(0)));
        assert_eq!(Span::After(0).range(250, 100), (1, Some(100)));
        assert_eq!(Span::After(u64::MAX).range(250, 100).0, u64::MAX);
        assert_eq!(Span::Around(50).range(250, 10), (45, Some(54)));
        assert_eq!(Span::Around(2).range(250, 10), (1, Some(10)));
    }

    #[test]
    fn a_body_kept_by_an_earlier_version_still_reads() {
        let kept = include_str!("../../tests/fixtures/body.v1.json");
        let body: Body = serde_json::from_str(kept).unwrap();
        assert_eq!((body.text.as_str(), body.reply_to, body.version), ("Good morning, @ben", Some(41), 2));
        assert_eq!(serde_json::to_value(&body).unwrap(), serde_json::from_str::<serde_json::Value>(kept).unwrap());
    }
}
