//! A turn of one consumer: what is due is handed out, and its position moves.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kernel::{Clock, Timestamp};
use sqlx::{FromRow as _, PgConnection, Row as _};
use tokio::time::Instant;

use super::deliver::{deliver, deliver_all};
use super::metrics::{METRICS, of};
use super::{Consumer, Delivery};
use crate::{Db, StoreResult, fault};

/// Events that a turn reads.
const BATCH_MAX: i64 = 256;
/// Keys that fail which a turn tries again.
const RETRIES_MAX: i64 = 64;
/// Events that are handed to one consumer at the same time, each of another key.
const KEYS_AT_ONCE: usize = 8;
/// After this a turn hands out no more, and puts off what is left of its batch: with what one
/// event may take it stays below the time that a transaction may wait for its client.
const TURN_MAX: Duration = Duration::from_secs(30);
/// Tries after which an event is put aside.
const TRIES_MAX: i16 = 10;
/// Wait after the first failure; doubles with each.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// An event with its place.
struct Placed {
    position: i64,
    event: Delivery,
}

/// What became of it.
enum Outcome {
    Taken,
    Failed(String),
    /// Not tried: another of its key failed before it, or time ran out.
    PutOff,
}

/// Does what is due for `consumer`, unless another process is at it. Returns how many events were taken in hand: handed
/// out, or put off.
pub async fn turn(db: &Db, clock: &Clock, consumer: &dyn Consumer) -> StoreResult<usize> {
    let mut tx = db.begin().await?;
    // Losing the last turns in a crash of the server only means that they are repeated.
    sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *tx).await.map_err(fault)?;
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM event_consumers WHERE name = $1 FOR UPDATE SKIP LOCKED")
            .bind(consumer.name())
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    let Some(position) = position else { return Ok(0) };
    let now = clock.now();
    let retries = retries(&mut tx, consumer.name(), now).await?;
    let (last, fresh) = fresh(&mut tx, consumer, position).await?;
    if retries.is_empty() && last == position {
        return Ok(0);
    }
    let waiting = waiting(&mut tx, consumer.name(), &fresh).await?;
    let (behind, free): (Vec<Placed>, Vec<Placed>) =
        fresh.into_iter().partition(|placed| waiting.contains(&placed.event.key));

    let deadline = Instant::now() + TURN_MAX;
    let retried = retries.into_iter().map(|placed| (true, vec![placed]));
    let (alone, company): (Vec<_>, Vec<_>) =
        by_key(free).into_iter().partition(|group| group.len() > 1 || consumer.at_once() <= 1);
    let groups = retried.map(|(again, group)| (again, true, group));
    let groups = groups.chain(alone.into_iter().map(|group| (false, true, group)));
    let groups = groups.chain(batches(company, consumer.at_once()).into_iter().map(|batch| (false, false, batch)));
    let handed_out: Vec<(bool, Vec<(Placed, Outcome)>)> = stream::iter(groups)
        .map(|(again, of_one_key, group)| async move {
            let outcomes = if of_one_key {
                in_order(consumer, clock, group, deadline).await
            } else {
                together(consumer, clock, group, deadline).await
            };
            (again, outcomes)
        })
        .buffer_unordered(KEYS_AT_ONCE)
        .collect()
        .await;

    let mut taken = behind.len();
    let mut put_off = behind;
    for (again, group) in handed_out {
        for (placed, outcome) in group {
            taken += 1;
            match (outcome, again) {
                (Outcome::Taken, false) => {}
                (Outcome::Taken, true) => forget(&mut tx, consumer.name(), placed.position).await?,
                (Outcome::Failed(error), _) => fail(&mut tx, consumer, &placed, &error, clock.now()).await?,
                (Outcome::PutOff, false) => put_off.push(placed),
                // It is due still.
                (Outcome::PutOff, true) => {}
            }
        }
    }
    queue_up(&mut tx, consumer.name(), &put_off, now).await?;
    if last != position {
        sqlx::query("UPDATE event_consumers SET position = $2 WHERE name = $1")
            .bind(consumer.name())
            .bind(last)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    tx.commit().await.map_err(fault)?;
    // Of others' events it only passed by; that there were any means that there may be more.
    Ok(taken.max(usize::from(last != position)))
}

/// Events of the batch behind `position` that the consumer wants, and the last position of the batch.
async fn fresh(tx: &mut PgConnection, consumer: &dyn Consumer, position: i64) -> StoreResult<(i64, Vec<Placed>)> {
    let rows = sqlx::query(
        "SELECT position, consumer, id, kind, key, payload, trace, created_at, 0::smallint AS tries
         FROM outbox WHERE position > $1 ORDER BY position LIMIT $2",
    )
    .bind(position)
    .bind(BATCH_MAX)
    .fetch_all(tx)
    .await
    .map_err(fault)?;
    let mut last = position;
    let mut wanted = Vec::with_capacity(rows.len());
    for row in &rows {
        last = row.try_get("position").map_err(fault)?;
        let only: Option<&str> = row.try_get("consumer").map_err(fault)?;
        let kind: &str = row.try_get("kind").map_err(fault)?;
        if only.is_none_or(|only| only == consumer.name()) && consumer.wants(kind) {
            wanted.push(Placed { position: last, event: Delivery::from_row(row).map_err(fault)? });
        }
    }
    Ok((last, wanted))
}

/// The first event of each key that waits for another try, of those that are due.
async fn retries(tx: &mut PgConnection, consumer: &str, now: Timestamp) -> StoreResult<Vec<Placed>> {
    let rows = sqlx::query(
        "SELECT outbox.position, id, kind, outbox.key, payload, trace, created_at, first.tries
         FROM (SELECT DISTINCT ON (key) position, due_at, tries FROM event_retries WHERE consumer = $1 ORDER BY key, position) first
         JOIN outbox ON outbox.position = first.position
         WHERE first.due_at <= $2 ORDER BY outbox.position LIMIT $3",
    )
    .bind(consumer)
    .bind(now)
    .bind(RETRIES_MAX)
    .fetch_all(tx)
    .await
    .map_err(fault)?;
    rows.iter()
        .map(|row| Ok(Placed { position: row.try_get("position")?, event: Delivery::from_row(row)? }))
        .collect::<Result<_, sqlx::Error>>()
        .map_err(fault)
}

/// Keys of which something waits for another try.
async fn waiting(tx: &mut PgConnection, consumer: &str, fresh: &[Placed]) -> StoreResult<HashSet<String>> {
    if fresh.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<&str> = fresh.iter().map(|placed| placed.event.key.as_str()).collect();
    let waiting: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT key FROM event_retries WHERE consumer = $1 AND key = ANY($2)")
            .bind(consumer)
            .bind(keys)
            .fetch_all(tx)
            .await
            .map_err(fault)?;
    Ok(waiting.into_iter().collect())
}

/// Keys in the order of their first events, each with its events in order.
fn by_key(events: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut at = std::collections::HashMap::new();
    let mut groups: Vec<Vec<Placed>> = Vec::new();
    for placed in events {
        let group = *at.entry(placed.event.key.clone()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(placed),
            None => groups.push(vec![placed]),
        }
    }
    groups
}

/// Groups of one event each, so many at once.
fn batches(groups: Vec<Vec<Placed>>, at_once: usize) -> Vec<Vec<Placed>> {
    let mut batches: Vec<Vec<Placed>> = Vec::new();
    for placed in groups.into_iter().flatten() {
        match batches.last_mut() {
            Some(batch) if batch.len() < at_once => batch.push(placed),
            _ => batches.push(vec![placed]),
        }
    }
    batches
}

/// Events of different keys at once; one by one when that fails.
async fn together(
    consumer: &dyn Consumer,
    clock: &Clock,
    batch: Vec<Placed>,
    deadline: Instant,
) -> Vec<(Placed, Outcome)> {
    if batch.len() > 1 && Instant::now() <= deadline {
        let events: Vec<&Delivery> = batch.iter().map(|placed| &placed.event).collect();
        match deliver_all(consumer, &events, clock).await {
            Ok(()) => return batch.into_iter().map(|placed| (placed, Outcome::Taken)).collect(),
            Err(error) => {
                tracing::debug!(consumer = consumer.name(), events = events.len(), error, "delivered one by one");
            }
        }
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for placed in batch {
        outcomes.extend(in_order(consumer, clock, vec![placed], deadline).await);
    }
    outcomes
}

/// One key's events, one after the other, up to the first that fails.
async fn in_order(
    consumer: &dyn Consumer,
    clock: &Clock,
    group: Vec<Placed>,
    deadline: Instant,
) -> Vec<(Placed, Outcome)> {
    let mut outcomes = Vec::with_capacity(group.len());
    let mut failed = false;
    for placed in group {
        let outcome = if failed || Instant::now() > deadline {
            Outcome::PutOff
        } else {
            match deliver(consumer, &placed.event, clock).await {
                Ok(()) => Outcome::Taken,
                Err(error) => Outcome::Failed(error),
            }
        };
        failed |= !matches!(outcome, Outcome::Taken);
        outcomes.push((placed, outcome));
    }
    outcomes
}

async fn forget(tx: &mut PgConnection, consumer: &str, position: i64) -> StoreResult<()> {
    sqlx::query("DELETE FROM event_retries WHERE consumer = $1 AND position = $2")
        .bind(consumer)
        .bind(position)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

/// Later events of a key that waits: due as soon as they are its first.
async fn queue_up(tx: &mut PgConnection, consumer: &str, events: &[Placed], now: Timestamp) -> StoreResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let positions: Vec<i64> = events.iter().map(|placed| placed.position).collect();
    let keys: Vec<&str> = events.iter().map(|placed| placed.event.key.as_str()).collect();
    sqlx::query(
        "INSERT INTO event_retries (consumer, position, key, due_at, tries)
         SELECT $1, position, key, $4, 0 FROM unnest($2::bigint[], $3::text[]) AS events (position, key)",
    )
    .bind(consumer)
    .bind(positions)
    .bind(keys)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
    .map_err(fault)
}

/// Schedules the next try of an event that failed, or puts it aside after the last.
async fn fail(
    tx: &mut PgConnection,
    consumer: &dyn Consumer,
    placed: &Placed,
    error: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let (event, name, tries) = (&placed.event, consumer.name(), placed.event.tries + 1);
    if tries < TRIES_MAX {
        tracing::warn!(consumer = name, event = %event.id, kind = event.kind, tries, error, "an outbox event failed; it will be tried again");
        return sqlx::query(
            "INSERT INTO event_retries (consumer, position, key, due_at, tries, error) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (consumer, position) DO UPDATE
             SET due_at = EXCLUDED.due_at, tries = EXCLUDED.tries, error = EXCLUDED.error",
        )
        .bind(name)
        .bind(placed.position)
        .bind(&event.key)
        .bind(now.plus(backoff(tries)))
        .bind(tries)
        .bind(error)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault);
    }
    tracing::error!(consumer = name, event = %event.id, kind = event.kind, tries, error, "an outbox event was put aside: see `plaza events dead`");
    METRICS.dead.get_or_create(&of(name)).inc();
    forget(tx, name, placed.position).await?;
    sqlx::query(
        "INSERT INTO event_dead (consumer, position, id, kind, key, payload, trace, created_at, tries, died_at, error)
         SELECT $1, position, id, kind, key, payload, trace, created_at, $3, $4, $5 FROM outbox WHERE position = $2",
    )
    .bind(name)
    .bind(placed.position)
    .bind(tries)
    .bind(now)
    .bind(error)
    .execute(tx)
    .await
    .map(drop)
    .map_err(fault)
}

fn backoff(tries: i16) -> Duration {
    let doublings = u32::from(tries.unsigned_abs()).saturating_sub(1).min(16);
    BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX)
}
