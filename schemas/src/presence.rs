//! Who is there.

use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// How a device wants its person to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    #[default]
    Online,
    Idle,
    /// The person is offline to everybody else, whatever their other devices say.
    Invisible,
}

/// How a person is seen, all devices together. Ordered: the greatest of what the devices say counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Offline,
    Idle,
    Online,
}

/// Who may see when a person was last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    Everyone,
    #[default]
    Followers,
    Nobody,
}

/// A person's choices about being seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PresenceSettings {
    /// It cuts both ways: a person sees it of those whom they let see theirs.
    pub last_seen: Audience,
    /// Offline to everybody, on all devices.
    pub invisible: bool,
}

/// The choices to change; the others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceSettingsPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invisible: Option<bool>,
}

/// What a device says about its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceSet {
    pub state: Activity,
}

/// How others see me now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceShown {
    pub state: State,
}

/// The people on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceWatch {
    pub users: Vec<UserId>,
}

/// People who left the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceUnwatch {
    pub users: Vec<UserId>,
}

/// How one person is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPresence {
    pub user: UserId,
    pub state: State,
    /// To the minute. Only of people who are offline, and who let the reader know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// How the people asked for are seen now, in the order asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceWatched {
    /// When this was so: what has a later `at` replaces it.
    pub at: Timestamp,
    pub people: Vec<PersonPresence>,
    /// When to watch the same people again, to find what lost signals told.
    pub refresh_after_ms: u64,
}

/// How many people the connection watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceWatching {
    pub watching: usize,
}

/// What watchers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum PresenceSignal {
    #[serde(rename = "presence")]
    Changed { user: UserId, state: State, at: Timestamp },
}

crate::types! { "presence":
    PresenceSettings, PresenceSettingsPatch, PresenceSet, PresenceShown, PresenceWatch, PresenceUnwatch, PersonPresence,
    PresenceWatched, PresenceWatching, PresenceChanged = PresenceSignal,
}
