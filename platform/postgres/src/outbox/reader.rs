//! Delivers outbox events to their consumers.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{Clock, StoreError};
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, Row as _};
use telemetry::{Counter, Histogram, LATENCY_BUCKETS_SECONDS};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{CHANNEL, ConsumeError, Consumer, Delivery};
use crate::{Db, StoreResult, fault};

/// Batches that one reader has in hand at once.
const LANES: usize = 4;
/// Events in one batch: what a lane locks, hands out together, and confirms together.
const BATCH_MAX: i64 = 32;
/// Longest time that a consumer may take for one event.
const CONSUME_MAX: Duration = Duration::from_secs(30);
/// Wait between looks when nothing wakes the reader: a notification may get lost with its connection.
const POLL: Duration = Duration::from_secs(1);
/// Tries after which an event is put aside.
const TRIES_MAX: i16 = 10;
/// Wait after the first failure; doubles with each.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Bytes of an error that are kept with a dead event.
const ERROR_LENGTH_MAX: usize = 2_000;

struct Metrics {
    waited: Histogram,
    failed: Counter,
    dead: Counter,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    waited: telemetry::histogram(
        "plaza_outbox_delivery_seconds",
        "From the writing of an outbox event until all its consumers had taken it",
        LATENCY_BUCKETS_SECONDS,
    ),
    failed: telemetry::counter("plaza_outbox_failures_total", "Tries to deliver an outbox event that failed"),
    dead: telemetry::counter("plaza_outbox_dead_total", "Outbox events that were put aside after the last try"),
});

/// Hands events to consumers, and deletes each when all that want it have taken it. Any number of readers may run, in
/// any number of processes.
pub struct Reader {
    db: Db,
    clock: Clock,
    consumers: Vec<Arc<dyn Consumer>>,
}

struct Claimed {
    position: i64,
    event: Delivery,
}

impl Reader {
    #[must_use]
    pub fn new(db: Db, clock: Clock, consumers: Vec<Arc<dyn Consumer>>) -> Arc<Self> {
        Arc::new(Self { db, clock, consumers })
    }

    /// Reads until `stop`; a batch in hand is finished first.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        LazyLock::force(&METRICS);
        let (wake, woken) = watch::channel(());
        let mut tasks = JoinSet::new();
        for _ in 0..LANES {
            tasks.spawn(Arc::clone(&self).lane(woken.clone(), stop.clone()));
        }
        tasks.spawn(Arc::clone(&self).listen(wake, stop));
        while tasks.join_next().await.is_some() {}
    }

    /// Delivers what is due now. Returns how many events were taken in hand.
    pub async fn deliver_once(&self) -> StoreResult<usize> {
        let mut tx = self.db.begin().await?;
        let claimed = self.claim(&mut tx).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let outcomes = join_all(claimed.iter().map(|one| self.hand_out_traced(&one.event))).await;
        let mut done = Vec::with_capacity(claimed.len());
        for (one, outcome) in claimed.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    METRICS.waited.observe(self.clock.now().since(one.event.created_at).as_secs_f64());
                    done.push(one.position);
                }
                Err(error) => self.put_back(&mut tx, one, &error.to_string()).await?,
            }
        }
        sqlx::query("DELETE FROM outbox WHERE position = ANY($1)")
            .bind(&done)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(claimed.len())
    }

    async fn lane(self: Arc<Self>, mut woken: watch::Receiver<()>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            woken.mark_unchanged();
            match self.deliver_once().await {
                Ok(0) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = timeout(POLL, woken.changed()) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "outbox events were not delivered; trying again");
                    pause(POLL, &stop).await;
                }
            }
        }
    }

    /// Wakes the lanes when an event is committed.
    async fn listen(self: Arc<Self>, wake: watch::Sender<()>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                ended = self.forward_notifications(&wake) => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %fault(error), "the outbox is polled until notifications are back");
                    }
                    pause(POLL, &stop).await;
                }
            }
        }
    }

    async fn forward_notifications(&self, wake: &watch::Sender<()>) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(self.db.pool()).await?;
        listener.listen(CHANNEL).await?;
        loop {
            wake.send_replace(());
            listener.recv().await?;
        }
    }

    /// Locks the first event of each key that is due, as many as fit in a batch.
    async fn claim(&self, tx: &mut PgConnection) -> StoreResult<Vec<Claimed>> {
        let rows = sqlx::query(
            "SELECT position, id, kind, key, payload, trace, created_at, tries FROM outbox mine
             WHERE due_at <= $1
               AND NOT EXISTS (SELECT FROM outbox earlier WHERE earlier.key = mine.key AND earlier.position < mine.position)
             ORDER BY position LIMIT $2
             FOR UPDATE SKIP LOCKED",
        )
        .bind(self.clock.now())
        .bind(BATCH_MAX)
        .fetch_all(tx)
        .await
        .map_err(fault)?;
        rows.iter()
            .map(|row| {
                let event = <Delivery as sqlx::FromRow<_>>::from_row(row)?;
                Ok(Claimed { position: row.try_get("position")?, event })
            })
            .collect::<Result<_, sqlx::Error>>()
            .map_err(fault)
    }

    /// Hands out within the trace of whoever wrote the event.
    async fn hand_out_traced(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let span = tracing::debug_span!("outbox", otel.name = %event.kind, otel.kind = "consumer", event = %event.id);
        telemetry::continue_trace(&span, event.trace.as_deref());
        self.hand_out(event).instrument(span).await
    }

    async fn hand_out(&self, event: &Delivery) -> Result<(), ConsumeError> {
        for consumer in self.consumers.iter().filter(|consumer| consumer.wants(&event.kind)) {
            match timeout(CONSUME_MAX, consumer.consume(event)).await {
                Ok(taken) => taken.map_err(|error| format!("{}: {error}", consumer.name()))?,
                Err(_) => return Err(format!("{}: took longer than {CONSUME_MAX:?}", consumer.name()).into()),
            }
        }
        Ok(())
    }

    /// Schedules the next try of an event that failed, or puts it aside after the last.
    async fn put_back(&self, tx: &mut PgConnection, claimed: &Claimed, error: &str) -> Result<(), StoreError> {
        let (event, now) = (&claimed.event, self.clock.now());
        let tries = event.tries + 1;
        METRICS.failed.inc();
        if tries < TRIES_MAX {
            tracing::warn!(event = %event.id, kind = event.kind, tries, error, "an outbox event failed; it will be tried again");
            sqlx::query("UPDATE outbox SET tries = $2, due_at = $3 WHERE position = $1")
                .bind(claimed.position)
                .bind(tries)
                .bind(now.plus(backoff(tries)))
                .execute(tx)
                .await
                .map_err(fault)?;
            return Ok(());
        }
        tracing::error!(event = %event.id, kind = event.kind, tries, error, "an outbox event was put aside in outbox_dead");
        METRICS.dead.inc();
        let kept: String = error.chars().take(ERROR_LENGTH_MAX).collect();
        sqlx::query(
            "WITH dead AS (DELETE FROM outbox WHERE position = $1 RETURNING *)
             INSERT INTO outbox_dead (id, kind, key, payload, trace, created_at, tries, died_at, error)
             SELECT id, kind, key, payload, trace, created_at, $2, $3, $4 FROM dead",
        )
        .bind(claimed.position)
        .bind(tries)
        .bind(now)
        .bind(kept)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
    }
}

fn backoff(tries: i16) -> Duration {
    let doublings = u32::from(tries.unsigned_abs()).saturating_sub(1).min(16);
    BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX)
}

async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(wait) => {}
    }
}
