//! Deletes events that nobody waits for.

use kernel::{Clock, Timestamp};

use super::metrics::{METRICS, of};
use super::{Consumer, KEPT_MAX};
use crate::{Db, StoreResult, fault};

/// Events that one statement deletes.
const DELETED_MAX: i64 = 10_000;
/// Names the lock of the one process that deletes: `events` in ASCII.
const TIDYING: i64 = 0x6576_656e_7473;

/// Notes that a process works for `consumers`, forgets those for which none has for long, and deletes events that all
/// have taken, or that have been kept long enough.
pub async fn tidy(db: &Db, clock: &Clock, consumers: &[&'static str]) -> StoreResult<()> {
    let now = clock.now();
    let old = now.minus(KEPT_MAX);
    register(db, consumers, now).await?;
    show(db, consumers).await?;
    let mut tx = db.begin().await?;
    let mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
        .bind(TIDYING)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
    if !mine {
        return Ok(());
    }
    sqlx::query(
        "WITH gone AS (DELETE FROM event_consumers WHERE seen_at < $1 RETURNING name)
         DELETE FROM event_retries USING gone WHERE consumer = gone.name",
    )
    .bind(old)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    loop {
        // The oldest come first: when they cannot be deleted, none behind them are looked at.
        let deleted: Vec<i64> = sqlx::query_scalar(
            "WITH taken AS (SELECT min(position) AS position FROM event_consumers),
                  oldest AS (SELECT seq FROM outbox WHERE position IS NOT NULL ORDER BY position LIMIT $2)
             DELETE FROM outbox USING taken
             WHERE seq IN (SELECT seq FROM oldest) AND (outbox.position <= taken.position OR numbered_at < $1)
               AND NOT EXISTS (SELECT FROM event_retries waiting
                               WHERE waiting.position = outbox.position AND outbox.numbered_at >= $1)
             RETURNING outbox.position",
        )
        .bind(old)
        .bind(DELETED_MAX)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
        expired(&mut tx, &deleted).await?;
        if i64::try_from(deleted.len()).is_ok_and(|count| count < DELETED_MAX) {
            break;
        }
    }
    // Too old to be tried again.
    sqlx::query(
        "DELETE FROM event_retries WHERE NOT EXISTS (SELECT FROM outbox WHERE outbox.position = event_retries.position)",
    )
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    tx.commit().await.map_err(fault)
}

/// Makes places for consumers that are new, and keeps the others'.
pub async fn register(db: &Db, consumers: &[&'static str], now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "INSERT INTO event_consumers (name, position, seen_at) SELECT name, 0, $2 FROM unnest($1::text[]) AS names (name)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(consumers)
    .bind(now)
    .execute(db.pool())
    .await
    .map_err(fault)?;
    // One whose place is locked is being worked for; it is seen the next time.
    sqlx::query(
        "UPDATE event_consumers SET seen_at = $2
         WHERE name IN (SELECT name FROM event_consumers WHERE name = ANY($1) AND seen_at < $3 FOR UPDATE SKIP LOCKED)",
    )
    .bind(consumers)
    .bind(now)
    .bind(now.minus(SEEN_EVERY))
    .execute(db.pool())
    .await
    .map(drop)
    .map_err(fault)
}

/// How exactly it is known when a process last worked for a consumer.
const SEEN_EVERY: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// Shows how far behind each is.
async fn show(db: &Db, consumers: &[&'static str]) -> StoreResult<()> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT name, event_head.position - event_consumers.position FROM event_consumers, event_head WHERE name = ANY($1)",
    )
    .bind(consumers)
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    for consumer in consumers {
        if let Some((_, behind)) = rows.iter().find(|(name, _)| name == consumer) {
            METRICS.behind.get_or_create(&of(consumer)).set(*behind);
        }
    }
    Ok(())
}

/// Says aloud when somebody had not come to what was deleted.
async fn expired(tx: &mut sqlx::PgConnection, deleted: &[i64]) -> StoreResult<()> {
    let (Some(first), Some(last)) = (deleted.iter().min(), deleted.iter().max()) else { return Ok(()) };
    let late: Vec<(String, i64)> = sqlx::query_as("SELECT name, position FROM event_consumers WHERE position < $1")
        .bind(last)
        .fetch_all(tx)
        .await
        .map_err(fault)?;
    for (consumer, position) in late {
        let missed = deleted.iter().filter(|deleted| **deleted > position).count();
        tracing::error!(
            consumer,
            missed,
            first,
            last,
            "events were kept for seven days, and deleted before a consumer came to them"
        );
        METRICS.expired.get_or_create(&of("any")).inc_by(missed as u64);
    }
    Ok(())
}

/// The names of `consumers`.
pub fn names(consumers: &[std::sync::Arc<dyn Consumer>]) -> Vec<&'static str> {
    consumers.iter().map(|consumer| consumer.name()).collect()
}
