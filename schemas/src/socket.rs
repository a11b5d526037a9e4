//! The socket's envelope: hello, identify, resume, refusals, advice.

use std::collections::BTreeMap;

use kernel::{Problem, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::accounts::Sealed;

/// The number of the last event that was seen of each topic.
pub type Positions = BTreeMap<String, u64>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename = "hello")]
pub struct Hello {
    pub heartbeat_ms: u64,
    pub identify_within_ms: u64,
    pub limits: Limits,
    pub node: String,
}

/// What one connection may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub frame_bytes: usize,
    pub commands_in_flight: usize,
    pub commands_per_minute: u32,
    pub topics: usize,
    pub connections: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identify {
    pub token: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<PresenceWish>,
}

/// How the person appears to others by this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceWish {
    Online,
    Idle,
    Invisible,
}

impl PresenceWish {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Idle => "idle",
            Self::Invisible => "invisible",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    pub epoch: String,
    pub positions: Positions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    pub status: ResumeStatus,
    pub user: UserId,
    pub session: SessionId,
    pub connection: String,
    pub epoch: String,
    pub positions: Positions,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    pub replayed: usize,
    pub token_expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeStatus {
    Fresh,
    Resumed,
    Resync,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRefresh {
    pub token: Sealed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRefreshed {
    pub token_expires_at: Timestamp,
}

/// Why a command, or a frame, was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub retry: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.to_owned(),
            message: problem.message.into_owned(),
            retry: problem.kind.is_temporary(),
            retry_after_ms: problem.retry_after.map(|wait| wait.as_millis() as u64),
            pointer: problem.pointer.map(std::borrow::Cow::into_owned),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPosition {
    pub topic: String,
    pub pos: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename = "resync")]
pub struct Resync {
    pub reason: ResyncReason,
    pub epoch: String,
    pub topics: Vec<TopicPosition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    Gap,
    Epoch,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename = "reconnect")]
pub struct Reconnect {
    pub after_ms: u64,
    pub reason: ReconnectReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconnectReason {
    GoingAway,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename = "expiring")]
pub struct Expiring {
    pub in_ms: u64,
}

crate::types! { "socket":
    Hello, Limits, Identify, Resume, Identified, TokenRefresh, TokenRefreshed, Refusal, TopicPosition, Resync, Reconnect,
    Expiring, Positions,
}
