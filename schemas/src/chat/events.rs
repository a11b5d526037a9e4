//! What followers of a room, and its members, are told.

use kernel::{RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Message, Posting, Receipt, Role, Room};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "message.created")]
pub struct MessageCreated {
    pub message: Message,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "message.edited")]
pub struct MessageEdited {
    pub room: RoomId,
    pub seq: u64,
    pub version: u32,
    pub text: String,
    pub mentions: Vec<UserId>,
    pub edited_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "message.deleted")]
pub struct MessageDeleted {
    pub room: RoomId,
    pub seq: u64,
    pub version: u32,
    pub deleted_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "reaction.added")]
pub struct ReactionAdded {
    pub room: RoomId,
    pub seq: u64,
    pub user: UserId,
    pub emoji: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "reaction.removed")]
pub struct ReactionRemoved {
    pub room: RoomId,
    pub seq: u64,
    pub user: UserId,
    pub emoji: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "receipt")]
pub struct ReceiptsMoved {
    pub room: RoomId,
    pub receipts: Vec<Receipt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "room.joined")]
pub struct RoomJoined {
    pub room: Room,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "room.left")]
pub struct RoomLeft {
    pub room: RoomId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "room.updated")]
pub struct RoomUpdated {
    pub room: RoomId,
    pub by: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub posting: Posting,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member.joined")]
pub struct MemberJoined {
    pub room: RoomId,
    pub users: Vec<UserId>,
    pub role: Role,
    pub by: UserId,
    pub member_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member.left")]
pub struct MemberLeft {
    pub room: RoomId,
    pub user: UserId,
    pub by: UserId,
    pub member_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "member.updated")]
pub struct MemberUpdated {
    pub room: RoomId,
    pub user: UserId,
    pub role: Role,
    pub by: UserId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "read.moved")]
pub struct ReadMoved {
    pub room: RoomId,
    pub read_seq: u64,
    pub unread: u64,
    pub mentions: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "typing")]
pub struct Typing {
    pub room: RoomId,
    pub user: UserId,
    /// 0: stopped.
    pub expires_in_ms: u64,
}
