//! Where presence is kept: one entry a connection, and the state in which each person was last shown.

pub mod local;
pub mod redis;

use std::time::Duration;

use async_trait::async_trait;
use kernel::{StoreError, Timestamp, UserId};
use schemas::presence::{Activity, State};

/// How long a node is taken for alive after its last heartbeat.
pub const LEASE: Duration = Duration::from_secs(15);

/// How long entries outlive their last writing. They are written again three times in that time.
pub const KEPT: Duration = Duration::from_secs(45 * 60);

/// How long a person who went offline is remembered, so that it is known when, until [`crate`]'s last-seen batch is
/// written.
pub const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// Entries that one [`PresenceStore::beat`] takes over from a dead node.
pub const TAKEN_OVER_MAX: usize = 500;

/// How a store counts time. Tests shorten it.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub lease: Duration,
    pub kept: Duration,
    pub remembered: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { lease: LEASE, kept: KEPT, remembered: REMEMBERED }
    }
}

/// How a person is shown after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub state: State,
    /// Since when, on the store's clock. Rises with each change of a person.
    pub at: Timestamp,
    /// Whether this write made it so. Of all writers, one is told.
    pub changed: bool,
}

/// How a person is shown, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub state: State,
    /// Since when; unknown of people who are offline for long.
    pub since: Option<Timestamp>,
}

/// People as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When, on the store's clock: no change before this is missing.
    pub at: Timestamp,
    /// In the order asked.
    pub people: Vec<Seen>,
}

/// What a heartbeat found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pulse {
    /// This node was taken for dead, or the store lost its memory: its entries must be written again.
    pub lapsed: bool,
    /// People who are shown differently, because entries of dead nodes were cleared away.
    pub changes: Vec<(UserId, Shown)>,
    /// There is more to clear away: beat again soon.
    pub more: bool,
}

/// Who is there, across all nodes. A handle belongs to one node. Implementations: [`local`] in this process, [`redis`].
///
/// MUSTs, each a case of the conformance suite:
/// - A person is shown as the best of all entries (`online` > `idle` > `offline`), and as offline while hidden or while any
///   entry is `invisible`.
/// - Each change of how a person is shown is reported to exactly one writer, and its `at` is later than that of
///   the change before.
/// - Writes are idempotent: a repeat changes nothing and reports nothing.
/// - A snapshot is never older than its `at`.
/// - Entries of a node that has not beaten for the lease are cleared away by the beats of the others, and a node that
///   was taken for dead is told by its next beat.
#[async_trait]
pub trait PresenceStore: Send + Sync {
    /// Writes the entry of one of this node's connections. `hidden` is the person's setting, where it was just read.
    async fn put(
        &self,
        user: UserId,
        connection: u64,
        activity: Activity,
        hidden: Option<bool>,
    ) -> Result<Shown, StoreError>;

    /// Takes the entry of a connection away.
    async fn remove(&self, user: UserId, connection: u64) -> Result<Shown, StoreError>;

    /// Hides or shows a person, whatever the entries say, for as long as there are entries.
    async fn hide(&self, user: UserId, hidden: bool) -> Result<Shown, StoreError>;

    async fn read(&self, users: &[UserId]) -> Result<Snapshot, StoreError>;

    /// Says that this node is alive, and clears away after one that is not.
    async fn beat(&self) -> Result<Pulse, StoreError>;
}
