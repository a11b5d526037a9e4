//! The inbox of what concerns a person.

use kernel::{ContentId, NotificationId, Page, Timestamp};
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;
use crate::engagement::Reaction;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    Reacted,
    Commented,
    Replied,
    Mentioned,
    Shared,
    Followed,
    FollowRequested,
    FollowAccepted,
}

/// A line of an inbox: what some people did with one thing within one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub id: NotificationId,
    pub what: Happening,
    /// What it was done with. Following has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ContentId>,
    /// Of comments and replies: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<ContentId>,
    /// How the latest comment begins, or else the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// Of reactions: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// Who did it last, the last first.
    pub people: Vec<PersonSummary>,
    /// How many more did it.
    pub others: u32,
    pub at: Timestamp,
    pub read: bool,
}

/// How much of an inbox is unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    pub unread: u32,
    /// Whether there are more than were counted.
    pub more: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadUntil {
    pub until: Timestamp,
}

/// What happens to an inbox, for its owner's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum InboxEvent {
    #[serde(rename = "notification.added")]
    NotificationAdded { notification: Notification },
    #[serde(rename = "notifications.read")]
    NotificationsRead { read_until: Timestamp },
}

crate::types! {
    "notifications":
    Inbox,
    Notification,
    NotificationAdded = InboxEvent,
    NotificationPage = Page<Notification>,
    NotificationsRead = InboxEvent,
    ReadUntil,
}
