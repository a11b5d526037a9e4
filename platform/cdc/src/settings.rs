//! What can be set.

use std::time::Duration;

use kernel::Secret;
use serde::Deserialize;

/// How the change stream is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the log is read, when that is not `postgres.url`: logical replication does not pass through a pooler.
    pub url: Option<Secret>,
    /// Size of a batch, in KiB of log. Up to three wait in memory for each consumer.
    pub batch_kb_max: usize,
    /// Changes in a batch.
    pub batch_changes_max: usize,
    /// Log that the server may keep for one consumer, in MiB. One that needs more is given up, and built anew.
    pub wal_kept_mb_max: u64,
    /// A consumer whose slot is lost twice within this time is not built anew again, but stops, in minutes. 0: never
    /// stops.
    pub lost_again_minutes: u64,
    /// How often the log is given a sign of life, so that positions move when nothing happens, in seconds.
    pub heartbeat_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            batch_kb_max: 4 << 10,
            batch_changes_max: 10_000,
            wal_kept_mb_max: 4 << 10,
            lost_again_minutes: 60,
            heartbeat_s: 10,
        }
    }
}

impl Settings {
    pub(crate) const fn heartbeat(&self) -> Duration {
        Duration::from_secs(if self.heartbeat_s == 0 { 1 } else { self.heartbeat_s })
    }

    pub(crate) const fn wal_kept_max(&self) -> u64 {
        self.wal_kept_mb_max.saturating_mul(1 << 20)
    }

    pub(crate) const fn lost_again(&self) -> Duration {
        Duration::from_secs(self.lost_again_minutes.saturating_mul(60))
    }
}

/// One consumer of the change stream: its slot and what is published to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// What the consumer is called, as `plaza_search`: lower-case letters, digits and `_`, up to 40 bytes. The
    /// publication has this name too; the slot has it with the database's oid behind it, for slots are the whole
    /// server's.
    pub name: &'static str,
    /// The tables that are told of; each needs a primary key (or another replica identity), unless `inserts_only`. The
    /// publication is made, and a table that
    /// is new in this list is added to it: it is told of from then on. None is taken out.
    pub tables: Vec<String>,
    /// Tell of inserts only.
    pub inserts_only: bool,
    /// Building anew costs next to nothing: a slot that is lost again is made again, however often.
    pub cheap_to_build: bool,
    /// Settings of the replication session, as `-c wal_sender_timeout=5s`. For tests; empty otherwise.
    pub session_options: String,
}

impl Spec {
    #[must_use]
    pub fn new(name: &'static str, tables: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tables = tables.into_iter().map(Into::into).collect();
        Self { name, tables, inserts_only: false, cheap_to_build: false, session_options: String::new() }
    }
}
