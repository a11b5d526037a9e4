//! Registering, logging in, sessions per device, profiles.

use std::fmt;

use kernel::{Page, Secret, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize, Serializer};

use crate::graph::{Counts, Relation};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Ios,
    Android,
    Web,
    Desktop,
    #[default]
    Other,
}

/// A device, as its owner will recognise it in the list of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub name: String,
    pub platform: Platform,
}

/// A password or a token on its way: shown to the other side, never to a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Secret);

impl Sealed {
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<String> for Sealed {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub handle: String,
    pub name: String,
    pub password: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    pub handle: String,
    pub password: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: Sealed,
}

/// What a session holds. The refresh token works once: each answer brings the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub session: SessionId,
    pub access_token: Sealed,
    pub access_expires_at: Timestamp,
    pub refresh_token: Sealed,
    /// The session ends then, unless it was refreshed before.
    pub refresh_expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub account: Account,
    pub tokens: Tokens,
}

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: UserId,
    pub handle: String,
    pub name: String,
    pub bio: String,
    /// Followers are accepted one by one, and only they see what is posted.
    pub private: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What to change. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current_password: Sealed,
    pub password: Sealed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    pub password: Sealed,
}

/// One device's log-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub device: String,
    pub platform: Platform,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A person, as far as a list needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSummary {
    pub id: UserId,
    pub handle: String,
    pub name: String,
    pub private: bool,
}

/// A person, as another one sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: UserId,
    pub handle: String,
    pub name: String,
    pub bio: String,
    pub private: bool,
    pub created_at: Timestamp,
    pub counts: Counts,
    /// Absent when people look at themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
}

/// What happens to an account, for its own devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AccountEvent {
    #[serde(rename = "session.revoked")]
    SessionRevoked { session: SessionId },
    #[serde(rename = "account.updated")]
    AccountUpdated { account: Account },
}

/// Business events `account.created`, `account.updated` and `account.deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChanged {
    pub user: UserId,
    pub handle: String,
    pub name: String,
    pub private: bool,
}

/// Business event `session.revoked`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    pub user: UserId,
    pub session: SessionId,
}

crate::types! { "accounts":
    Device, Registration, LogIn, Refresh, Tokens, SignedIn, Account, AccountPatch, PasswordChange, Deletion, Session,
    SessionPage = Page<Session>, PersonSummary, Person, SessionRevoked = AccountEvent, AccountUpdated = AccountEvent,
    AccountChanged, SessionEnded,
}
