//! Last-seen times on their way to the database: together, and a person at most once a batch.

use std::collections::HashMap;

use kernel::{StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::Db;

use crate::metrics::METRICS;
use crate::settings;

/// Rows in one statement.
const ROWS_MAX: usize = 1_000;
/// People whose times may wait while the database does not answer. Those of more are lost.
const WAITING_MAX: usize = 100_000;

#[derive(Default)]
pub(crate) struct LastSeen(Mutex<HashMap<UserId, Timestamp>>);

impl LastSeen {
    pub(crate) fn note(&self, user: UserId, at: Timestamp) {
        let mut waiting = self.0.lock();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&user) {
            let known = waiting.entry(user).or_insert(at);
            *known = at.max(*known);
        }
    }

    /// A time that is not written yet.
    pub(crate) fn waiting(&self, user: UserId) -> Option<Timestamp> {
        self.0.lock().get(&user).copied()
    }

    /// Forgets a person.
    pub(crate) fn erase(&self, user: UserId) {
        self.0.lock().remove(&user);
    }

    /// Writes what waits. What could not be written waits on.
    pub(crate) async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let mut batch: Vec<(UserId, Timestamp)> = std::mem::take(&mut *self.0.lock()).into_iter().collect();
        // Always in the same order, so that two nodes' batches cannot wait for each other.
        batch.sort_unstable();
        for (done, rows) in batch.chunks(ROWS_MAX).enumerate() {
            if let Err(error) = settings::write_last_seen(db, rows).await {
                for (user, at) in &batch[done * ROWS_MAX..] {
                    self.note(*user, *at);
                }
                return Err(error);
            }
            METRICS.last_seen_written.inc_by(rows.len() as u64);
        }
        Ok(())
    }
}
