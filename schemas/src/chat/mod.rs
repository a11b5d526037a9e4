//! Rooms, messages, marks.

use kernel::{Cursor, MessageId, Page, RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::PersonSummary;

mod commands;
mod events;
mod moment;

pub use commands::{Done, HistoryGet, MessageEdit, MessageRef, MessageSend, ReactionSet, RoomRef, RoomsChangesGet};
pub use events::{
    MemberJoined, MemberLeft, MemberUpdated, MessageCreated, MessageDeleted, MessageEdited, ReactionAdded,
    ReactionRemoved, ReadMoved, ReceiptsMoved, RoomJoined, RoomLeft, RoomUpdated, Typing,
};
pub use moment::{Moment, MomentError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Two people; one such room a pair.
    Direct,
    /// Those who were added, up to 1,000.
    Group,
    /// Open to everybody: read and follow without joining.
    Channel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Admin,
    Owner,
}

/// Who may post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// The owner and the admins.
    Staff,
    Everyone,
}

/// A room, as the one who asks sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub id: RoomId,
    pub kind: RoomKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The other one of a direct room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<PersonSummary>,
    pub posting: Posting,
    pub member_count: u32,
    pub created_at: Timestamp,
    /// The latest change that a device may have missed.
    pub changed_at: Timestamp,
    /// The latest edit or deletion of a message.
    pub history_changed_at: Timestamp,
    pub last_seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// Absent for who only visits a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
}

/// What a room is to me.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub role: Role,
    pub joined_at: Timestamp,
    pub read_seq: u64,
    pub delivered_seq: u64,
    pub unread: u64,
    pub mentions: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// What changed in my rooms since a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChanges {
    pub rooms: Vec<Room>,
    pub left: Vec<LeftRoom>,
    /// For the next call, now or in a week.
    pub cursor: Cursor,
    /// Whether the next call has more already.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftRoom {
    pub room: RoomId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RoomCreate {
    Direct { user: UserId },
    Group { name: String, members: Vec<UserId> },
    Channel { name: String, posting: Posting },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posting: Option<Posting>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub person: PersonSummary,
    pub role: Role,
    pub joined_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembersAdd {
    pub users: Vec<UserId>,
}

/// Who is in the room now that was not before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersAdded {
    pub added: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    pub role: Role,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mute {
    /// Absent: until I say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSettings {
    pub hide_receipts: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatSettingsPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide_receipts: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub room: RoomId,
    pub seq: u64,
    /// Absent where a number was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    pub mentions: Vec<UserId>,
    pub version: u32,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    pub reactions: Vec<ReactionTally>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionTally {
    pub emoji: String,
    pub count: u64,
    /// Whether one of them is mine.
    pub mine: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactor {
    pub person: PersonSummary,
    pub at: Timestamp,
}

/// Some of a room's messages, in order and without a hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub messages: Vec<Message>,
    pub last_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagePatch {
    pub text: String,
    /// The version that is edited. Absent: whichever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    pub message: Message,
    /// Whether it had been sent before.
    pub duplicate: bool,
    /// For [`MessageSend::made_after`] of messages that are made from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    #[serde(deserialize_with = "kernel::json::whole")]
    pub seq: u64,
}

/// Where my marks are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    pub read_seq: u64,
    pub delivered_seq: u64,
    pub unread: u64,
    pub mentions: u64,
}

/// How far a person has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub user: UserId,
    pub read_seq: u64,
    pub delivered_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    pub receipts: Vec<Receipt>,
}

crate::types! { "chat":
    Room, Membership, RoomChanges, LeftRoom, RoomCreate, RoomPatch, Member,
    MemberPage = Page<Member>, MembersAdd, MembersAdded, RoleChange, Mute, ChatSettings, ChatSettingsPatch, Message, ReactionTally,
    Reactor, ReactorPage = Page<Reactor>, History, MessageCreate, MessagePatch, MessageSent, Mark, Marks, Receipt, Receipts,
    MessageSend, MessageEdit, MessageRef, ReactionSet, RoomRef, HistoryGet, RoomsChangesGet, Done, MessageCreated,
    MessageEdited, MessageDeleted, ReactionAdded, ReactionRemoved, ReceiptsMoved, RoomJoined, RoomLeft, RoomUpdated,
    MemberJoined, MemberLeft, MemberUpdated, ReadMoved, Typing,
}
