//! Events that were put aside.

use kernel::{EventId, Timestamp};

use crate::{Db, StoreResult, fault};

/// An event that failed every try at a consumer.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Dead {
    pub consumer: String,
    pub id: EventId,
    pub kind: String,
    pub key: String,
    pub payload: serde_json::Value,
    pub created_at: Timestamp,
    pub tries: i16,
    pub died_at: Timestamp,
    /// What the consumer said last.
    pub error: String,
}

/// The `limit` events that were put aside last, and how many there are.
pub async fn dead(db: &Db, consumer: Option<&str>, limit: i64) -> StoreResult<(Vec<Dead>, i64)> {
    let last = sqlx::query_as(
        "SELECT consumer, id, kind, key, payload, created_at, tries, died_at, error FROM event_dead
         WHERE $1::text IS NULL OR consumer = $1 ORDER BY died_at DESC, position DESC LIMIT $2",
    )
    .bind(consumer)
    .bind(limit)
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    let count = sqlx::query_scalar("SELECT count(*) FROM event_dead WHERE $1::text IS NULL OR consumer = $1")
        .bind(consumer)
        .fetch_one(db.pool())
        .await
        .map_err(fault)?;
    Ok((last, count))
}

/// Gives events that were put aside to their consumers again, behind everything that is written by now: all of them, or
/// those of one consumer, or one. Returns how many.
pub async fn replay(db: &Db, consumer: Option<&str>, id: Option<EventId>, now: Timestamp) -> StoreResult<u64> {
    sqlx::query(
        "WITH again AS (
             DELETE FROM event_dead WHERE ($1::text IS NULL OR consumer = $1) AND ($2::uuid IS NULL OR id = $2) RETURNING *
         )
         INSERT INTO outbox (id, kind, key, payload, trace, created_at, consumer)
         SELECT id, kind, key, payload, trace, $3, consumer FROM again ORDER BY position",
    )
    .bind(consumer)
    .bind(id)
    .bind(now)
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(fault)
}
