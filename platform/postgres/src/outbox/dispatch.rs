//! Delivers outbox events to their consumers.

use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::metrics::{METRICS, of};
use super::turn::turn;
use super::{CHANNEL, Consumer, tidy};
use crate::{Db, StoreResult, fault};

/// Wait between looks when nothing wakes a consumer: a notification may get lost with its connection, and a try is due
/// some time.
const POLL: Duration = Duration::from_secs(1);
/// How often events are deleted that all have taken.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Hands events to consumers. Any number of these may run, in any number of processes.
pub struct Dispatch {
    db: Db,
    clock: Clock,
    consumers: Vec<Arc<dyn Consumer>>,
}

impl Dispatch {
    #[must_use]
    pub fn new(db: Db, clock: Clock, consumers: Vec<Arc<dyn Consumer>>) -> Arc<Self> {
        Arc::new(Self { db, clock, consumers })
    }

    /// Delivers until `stop`; events in hand are finished first.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        for consumer in &self.consumers {
            // At zero from the start, so that the first failure is seen as one.
            drop(METRICS.failed.get_or_create(&of(consumer.name())));
            drop(METRICS.dead.get_or_create(&of(consumer.name())));
        }
        let (wake, woken) = watch::channel(());
        let mut tasks = JoinSet::new();
        for consumer in &self.consumers {
            tasks.spawn(Arc::clone(&self).lane(Arc::clone(consumer), woken.clone(), stop.clone()));
        }
        tasks.spawn(Arc::clone(&self).listen(wake, stop.clone()));
        tasks.spawn(self.keep_tidy(stop));
        while tasks.join_next().await.is_some() {}
    }

    /// Delivers what is due now, to each consumer at most a batch, and deletes what all have taken. Returns how many
    /// events were taken in hand.
    pub async fn deliver_once(&self) -> StoreResult<usize> {
        tidy::register(&self.db, &tidy::names(&self.consumers), self.clock.now()).await?;
        let mut count = 0;
        for consumer in &self.consumers {
            count += turn(&self.db, &self.clock, &**consumer).await?;
        }
        self.tidy().await?;
        Ok(count)
    }

    /// Deletes events that nobody waits for.
    pub async fn tidy(&self) -> StoreResult<()> {
        tidy::tidy(&self.db, &self.clock, &tidy::names(&self.consumers)).await
    }

    /// Whether everything that was committed has been delivered to these consumers, or put aside.
    pub async fn is_done(&self) -> StoreResult<bool> {
        sqlx::query_scalar(
            "SELECT NOT EXISTS (SELECT FROM outbox WHERE position IS NULL)
                AND NOT EXISTS (SELECT FROM event_retries WHERE consumer = ANY($1))
                AND (SELECT count(*) FROM event_consumers, event_head
                     WHERE name = ANY($1) AND event_consumers.position = event_head.position) = cardinality($1)",
        )
        .bind(tidy::names(&self.consumers))
        .fetch_one(self.db.pool())
        .await
        .map_err(fault)
    }

    async fn lane(
        self: Arc<Self>,
        consumer: Arc<dyn Consumer>,
        mut woken: watch::Receiver<()>,
        stop: CancellationToken,
    ) {
        while !stop.is_cancelled() {
            woken.mark_unchanged();
            match turn(&self.db, &self.clock, &*consumer).await {
                Ok(0) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = timeout(POLL, woken.changed()) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(consumer = consumer.name(), %error, "outbox events were not delivered; trying again");
                    pause(POLL, &stop).await;
                }
            }
        }
    }

    /// Wakes the lanes when events have got their positions.
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

    async fn keep_tidy(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "outbox events that were delivered are not deleted; trying again");
            }
            pause(TIDY_EVERY, &stop).await;
        }
    }
}

async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(wait) => {}
    }
}
