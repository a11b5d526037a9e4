//! Events that are written in the transaction of the change that they tell of, and delivered after it.
//!
//! Delivery is at least once, and in order for each `key`. A consumer therefore deduplicates by the event's id, or does
//! the same thing twice without harm.

mod reader;

use async_trait::async_trait;
use kernel::{EventId, Timestamp};
use sqlx::PgConnection;

pub use reader::Reader;

use crate::{Db, StoreResult, fault};

/// An event to be written.
#[derive(Debug, Clone)]
pub struct OutboxEvent {
    pub id: EventId,
    /// What happened, as `post.created`.
    pub kind: &'static str,
    /// What it happened to. Events of one key are delivered in the order in which they were committed, provided that
    /// whoever writes one holds the row of that thing locked.
    pub key: String,
    pub payload: serde_json::Value,
}

/// An event as a consumer gets it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Delivery {
    pub id: EventId,
    pub kind: String,
    pub key: String,
    pub payload: serde_json::Value,
    /// W3C `traceparent` of whoever wrote it.
    pub trace: Option<String>,
    pub created_at: Timestamp,
    /// How often it was tried before.
    pub tries: i16,
}

/// Why a consumer did not take an event. It is tried again.
pub type ConsumeError = Box<dyn std::error::Error + Send + Sync>;

/// Somebody who acts on events.
///
/// MUST be idempotent by [`Delivery::id`]: an event comes again when the process dies before its batch is confirmed, or
/// when another consumer of the same event fails.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// For logs.
    fn name(&self) -> &'static str;

    fn wants(&self, kind: &str) -> bool;

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError>;
}

/// The channel that readers listen on.
const CHANNEL: &str = "outbox";

/// Writes `event` in the transaction `tx`, and wakes the readers when that commits.
pub async fn append(tx: &mut PgConnection, event: &OutboxEvent, now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "WITH written AS (
             INSERT INTO outbox (id, kind, key, payload, trace, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
         )
         SELECT pg_notify($7, '')",
    )
    .bind(event.id)
    .bind(event.kind)
    .bind(&event.key)
    .bind(&event.payload)
    .bind(telemetry::current_traceparent().as_deref())
    .bind(now)
    .bind(CHANNEL)
    .execute(tx)
    .await
    .map(drop)
    .map_err(fault)
}

/// Whether everything that was written has been delivered or put aside.
pub async fn is_empty(db: &Db) -> StoreResult<bool> {
    let waiting: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM outbox)").fetch_one(db.pool()).await.map_err(fault)?;
    Ok(!waiting)
}
