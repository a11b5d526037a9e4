//! Events that are written in the transaction of the change that they tell of, and delivered after it.
//!
//! [`append`] writes an event. Once it is committed, the reader of the change stream gives it its position
//! ([`number`]): its place in the order of commits, without gaps. From then on each consumer takes events by position,
//! at its own pace ([`Dispatch`]).
//!
//! Delivery is at least once, and for each consumer in order for each `key`. A consumer therefore deduplicates by the
//! event's id, or does the same thing twice without harm.
//!
//! ## Decisions
//! - **Each consumer has a position of its own.** One that is slow, fails, or is gone delays no other. An event is
//!   deleted when all have taken it; nobody holds it for more than [`KEPT_MAX`].
//! - **One process at a time works for a consumer**: it holds the lock of its row. It hands out a batch, different keys
//!   at once and one key in order. Events that fail go to `event_retries` in the transaction that moves the position,
//!   and later ones of their key queue up behind them, so that nothing else waits. After the last try an event is put
//!   aside in `event_dead`, from where [`replay`] takes it.
//! - **A consumer may take several at once** ([`Consumer::consume_all`]): the busier it is, the larger its batches. What
//!   fails in company is tried alone, so that one bad event takes no other with it.
//! - **Positions are given by the change stream, not by a sequence**: a sequence gives numbers before the commit, so
//!   that a reader by number would miss what commits late.
//! - **Not Redis Streams.** Redis may lose its memory, and an event that is written with its change may not be lost.

mod dead;
mod deliver;
mod dispatch;
mod metrics;
mod number;
mod tidy;
mod turn;

use std::time::Duration;

use async_trait::async_trait;
use kernel::{EventId, Timestamp};
use sqlx::PgConnection;

pub use dead::{Dead, dead, replay};
pub use dispatch::Dispatch;
pub use number::{number, number_all, without_position};

use crate::{StoreResult, fault};

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
    /// How often this consumer tried before.
    pub tries: i16,
}

/// Why a consumer did not take an event. It is tried again.
pub type ConsumeError = Box<dyn std::error::Error + Send + Sync>;

/// Somebody who acts on events.
///
/// MUST be idempotent by [`Delivery::id`]: an event comes again when the process dies before its batch is confirmed.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Under which its position is kept: another name is another consumer, which begins with the oldest event that is
    /// still there. Unique among the consumers of Plaza.
    fn name(&self) -> &'static str;

    fn wants(&self, kind: &str) -> bool;

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError>;

    /// How many events [`Consumer::consume_all`] takes at once. With one, each comes by itself.
    fn at_once(&self) -> usize {
        1
    }

    /// Takes several events, each the only one of its key, where that costs less than one after the other. When it fails,
    /// each is given to [`Consumer::consume`].
    async fn consume_all(&self, events: &[&Delivery]) -> Result<(), ConsumeError> {
        for event in events {
            self.consume(event).await?;
        }
        Ok(())
    }
}

/// Longest time that an event is kept for a consumer that has not taken it, and that a consumer is remembered for which
/// no process works.
pub const KEPT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The table that [`append`] writes to: what the stream's publication has to tell of.
pub const TABLE: &str = "outbox";

/// The channel on which [`number`] wakes whoever delivers.
const CHANNEL: &str = "outbox";

/// Writes `event` in the transaction `tx`.
pub async fn append(tx: &mut PgConnection, event: &OutboxEvent, now: Timestamp) -> StoreResult<()> {
    sqlx::query("INSERT INTO outbox (id, kind, key, payload, trace, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(event.id)
        .bind(event.kind)
        .bind(&event.key)
        .bind(&event.payload)
        .bind(telemetry::current_traceparent().as_deref())
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}
