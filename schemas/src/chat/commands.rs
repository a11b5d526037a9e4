//! What clients ask for over the socket.

use kernel::{Cursor, RoomId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Moment;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageSend {
    pub room: RoomId,
    pub client_id: Uuid,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// The newest moment that was known when `client_id` was made. Without one, the message is looked for before it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_after: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageEdit {
    pub room: RoomId,
    #[serde(deserialize_with = "kernel::json::whole")]
    pub seq: u64,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A place in a room: a message to delete, a mark to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRef {
    pub room: RoomId,
    #[serde(deserialize_with = "kernel::json::whole")]
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactionSet {
    pub room: RoomId,
    #[serde(deserialize_with = "kernel::json::whole")]
    pub seq: u64,
    pub emoji: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomRef {
    pub room: RoomId,
}

/// At most one of `before`, `after` and `around`; without any, the newest messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryGet {
    pub room: RoomId,
    #[serde(default, deserialize_with = "kernel::json::whole_or_none", skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    #[serde(default, deserialize_with = "kernel::json::whole_or_none", skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    #[serde(default, deserialize_with = "kernel::json::whole_or_none", skip_serializing_if = "Option::is_none")]
    pub around: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<kernel::PageSize>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomsChangesGet {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_after: Option<Cursor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<kernel::PageSize>,
}

/// Done, and nothing to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
