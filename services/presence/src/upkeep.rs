//! What goes on without anybody asking: heartbeats, late departures, repeats, last-seen batches.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{StoreError, UserId};
use schemas::presence::State;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::connections::Unsynced;
use crate::metrics::METRICS;
use crate::service::Service;
use crate::settings;

/// Between looks at what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Entries written or people read together.
const BATCH_MAX: usize = 256;
/// Batches in one round, so that a round ends.
const BATCHES_PER_ROUND_MAX: usize = 64;

impl Service {
    /// Keeps presence true until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        // Apart from each other: a database that does not answer must not cost this node its lease.
        tokio::join!(
            self.each(self.timing.beat, &stop, "presence heartbeat", || self.beat()),
            self.each(LOOK, &stop, "presence upkeep", || self.catch_up()),
            self.each(self.timing.last_seen, &stop, "last-seen times", || self.flush()),
        );
        self.sign_off().await;
    }

    /// Does `round` at once and then every `period`. Says once when it begins to fail, and once when it works again.
    async fn each<F: Future<Output = Result<(), StoreError>>>(
        &self,
        period: Duration,
        stop: &CancellationToken,
        what: &'static str,
        round: impl Fn() -> F,
    ) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match round().await {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("{what}: works again");
                }
                Ok(()) => {}
                Err(error) if failing => tracing::debug!(%error, "{what}"),
                Err(error) => {
                    failing = true;
                    tracing::warn!(%error, "{what}: fails, and is tried again");
                }
            }
        }
    }

    /// One heartbeat.
    pub async fn beat(&self) -> Result<(), StoreError> {
        loop {
            let pulse = self.store.beat().await?;
            if pulse.lapsed {
                METRICS.lapses.inc();
                self.here.lock().all_unsynced();
            }
            METRICS.taken_over.inc_by(pulse.changes.len() as u64);
            join_all(pulse.changes.into_iter().map(|(user, shown)| self.tell(user, shown))).await;
            if !pulse.more {
                return Ok(());
            }
        }
    }

    /// Does what is due by now.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let left = self.let_go().await;
        let repeated = self.repeat().await;
        let written = self.write_again().await;
        METRICS.connections.set(self.here.lock().len() as i64);
        left.and(repeated).and(written)
    }

    /// Takes away the entries of connections that closed a while ago.
    async fn let_go(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        loop {
            let batch: Vec<(u64, UserId)> = {
                let mut here = self.here.lock();
                std::iter::from_fn(|| here.next_gone(now)).take(BATCH_MAX).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let removals = batch.into_iter().map(async |(connection, user)| {
                match self.store.remove(user, connection).await {
                    Ok(shown) => self.tell(user, shown).await,
                    Err(error) => {
                        self.here.lock().not_gone(connection, user, now);
                        return Err(error);
                    }
                }
                Ok(())
            });
            // All of them, so that one that fails does not lose the others.
            join_all(removals).await.into_iter().collect::<Result<(), _>>()?;
        }
    }

    /// Signals changes of a while ago once more, as they stand now.
    async fn repeat(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for _ in 0..BATCHES_PER_ROUND_MAX {
            let mut due: Vec<UserId> = {
                let mut repeats = self.repeats.lock();
                let due = repeats.iter().take(BATCH_MAX).take_while(|(due, _)| *due <= now).count();
                repeats.drain(..due).map(|(_, user)| user).collect()
            };
            due.sort_unstable();
            due.dedup();
            if due.is_empty() {
                return Ok(());
            }
            let later = |user| self.repeats.lock().push_back((now.plus(self.timing.repeat_after), user));
            let snapshot = match self.store.read(&due).await {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    due.into_iter().for_each(later);
                    return Err(error);
                }
            };
            let signals = due.into_iter().zip(snapshot.people).map(async |(user, seen)| {
                if !self.announce(user, seen.state, seen.since.unwrap_or(snapshot.at), "repeat").await {
                    later(user);
                }
            });
            join_all(signals).await;
        }
        Ok(())
    }

    /// Writes entries that are missing or old.
    async fn write_again(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for _ in 0..BATCHES_PER_ROUND_MAX {
            let batch = self.here.lock().next_unsynced(now, now.plus(self.timing.rewrite), BATCH_MAX);
            if batch.is_empty() {
                return Ok(());
            }
            let mut users: Vec<UserId> =
                batch.iter().filter(|entry| entry.with_settings).map(|entry| entry.user).collect();
            users.sort_unstable();
            users.dedup();
            let kept = match settings::load_many(&self.db, &users).await {
                Ok(kept) => kept,
                Err(error) => {
                    let mut here = self.here.lock();
                    batch.iter().for_each(|entry| here.unsynced(entry.connection, entry.with_settings));
                    return Err(error);
                }
            };
            let hidden = |entry: &Unsynced| {
                entry.with_settings.then(|| kept.get(&entry.user).is_some_and(|kept| kept.settings.invisible))
            };
            let writes = batch.iter().map(|entry| self.sync(entry.connection, hidden(entry)));
            // One that fails has put itself back in line.
            join_all(writes).await.into_iter().try_for_each(|written| written.map(drop))?;
        }
        Ok(())
    }

    /// Notes that everybody visible was here until now. Their entries stay: whoever comes back on another node in time
    /// was never away, and of the others the lease tells.
    async fn sign_off(&self) {
        let users = self.here.lock().users();
        for users in users.chunks(BATCH_MAX) {
            let Ok(snapshot) = self.store.read(users).await else { break };
            for (user, seen) in users.iter().zip(snapshot.people) {
                if seen.state != State::Offline {
                    self.last_seen.note(*user, snapshot.at);
                }
            }
        }
        if let Err(error) = self.last_seen.flush(&self.db).await {
            tracing::warn!(%error, "last-seen times were not written");
        }
    }

    /// Writes the last-seen times that wait.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.last_seen.flush(&self.db).await
    }
}
