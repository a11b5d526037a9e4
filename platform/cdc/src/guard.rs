//! What watches over slots, whether or not this process reads them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use postgres::{Db, StoreResult};
use tokio::time::{MissedTickBehavior, interval};

use crate::metrics::{METRICS, of};
use crate::{Settings, slot};

/// Looks after the slots of this database every so often: gives up one that keeps too much log, gives signs of life,
/// and shows how far `consumer` is. Never ends by itself.
pub async fn watch(db: Db, settings: Settings, consumer: &'static str, own: String, reading: Arc<AtomicBool>) {
    let mut ticks = interval(settings.heartbeat());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = look(&db, &settings, consumer, &own, &reading).await {
            tracing::debug!(consumer, %error, "the slots could not be looked after; trying again");
        }
    }
}

async fn look(
    db: &Db,
    settings: &Settings,
    consumer: &'static str,
    own: &str,
    reading: &AtomicBool,
) -> StoreResult<()> {
    // One sign is enough for all; whoever reads gives it.
    if reading.load(Ordering::Relaxed) {
        slot::heartbeat(db).await?;
    }
    if let Some(state) = slot::look(db, own).await? {
        METRICS.behind.get_or_create(&of(consumer)).set(i64::try_from(state.behind).unwrap_or(i64::MAX));
        METRICS.kept.get_or_create(&of(consumer)).set(i64::try_from(state.kept).unwrap_or(i64::MAX));
    }
    // All slots of the database: also those of consumers that no process runs any more.
    for (slot, kept) in slot::kept(db).await? {
        if kept > settings.wal_kept_max() {
            tracing::error!(
                slot,
                kept_bytes = kept,
                limit_bytes = settings.wal_kept_max(),
                "a slot keeps more log than it may, and is given up: its consumer has to build anew"
            );
            slot::give_up(db, &slot).await?;
        }
    }
    Ok(())
}
