//! Orders to connections that travel with an event.

use kernel::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Topic;

/// Steers the connections that follow the topic it is published on. The gateway obeys before it forwards the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Every connection of the user follows this topic from now on (published on [`Topic::User`]).
    Follow(Topic),
    /// Every connection of the user stops following this topic (published on [`Topic::User`]).
    Unfollow(Topic),
    /// Close connections of the user (published on [`Topic::User`]): those of one session, or all.
    Close { session: Option<SessionId>, reason: CloseReason },
}

/// Why the server ends a connection for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The session was logged out, here or elsewhere.
    SessionRevoked,
    /// The account is gone or locked.
    AccountClosed,
}

/// What a slice publishes to be kept in a topic's window, numbered and resumed.
///
/// `body` is the event as clients see it: a JSON object with a `type`. `None` publishes an order alone, which is not
/// kept and not numbered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserEvent {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<Control>,
    pub body: Option<Box<RawValue>>,
}

/// What a slice publishes to be seen now or never: typing, presence. Not kept, not numbered, first to be dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signal {
    pub body: Box<RawValue>,
    /// The person whose act this is; not echoed to that person's own connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// A later signal with the same key replaces this one in a queue that is not drained yet.
    pub key: String,
}
