//! What pushing and pulling take, measured where they happen and shared between processes.

use std::time::Duration;

use kernel::Timestamp;
use parking_lot::Mutex;
use postgres::{Db, StoreResult, fault};

use crate::Settings;
use crate::policy::{CLASSES, Costs};
use crate::routes::Crowd;
use crate::viewers::Viewers;

/// Until something was measured: a row of a batch, and a probe of an index, take about the same.
const PUSH_US: f64 = 15.0;
const PULL_US: f64 = 10.0;
/// How much one more measurement changes the mean.
const WEIGHT: f64 = 0.02;
/// After this, the averages by which decisions are made are read anew, beside whatever is published.
const AGE_MAX: Duration = Duration::from_secs(600);
/// Batches smaller than this tell of the round trip, not of the row.
const BATCH_MIN: usize = 32;

/// One kind of work, with its mean.
pub(crate) struct Meter {
    what: &'static str,
    mean_us: Mutex<Option<f64>>,
}

impl Meter {
    pub(crate) const fn of_pushing() -> Self {
        Self { what: "push", mean_us: Mutex::new(None) }
    }

    pub(crate) const fn of_pulling() -> Self {
        Self { what: "pull", mean_us: Mutex::new(None) }
    }

    /// So many of it took so long together.
    pub(crate) fn measured(&self, count: usize, took: Duration) {
        if count < BATCH_MIN {
            return;
        }
        let us = took.as_secs_f64() * 1e6 / count as f64;
        let mut mean = self.mean_us.lock();
        *mean = Some(mean.map_or(us, |mean| mean + WEIGHT * (us - mean)));
    }

    /// Tells other processes.
    pub(crate) async fn write(&self, db: &Db) -> StoreResult<()> {
        let Some(us) = *self.mean_us.lock() else { return Ok(()) };
        sqlx::query("INSERT INTO feed_costs (what, us) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET us = $2")
            .bind(self.what)
            .bind(us)
            .execute(db.pool())
            .await
            .map(drop)
            .map_err(fault)
    }
}

/// By what decisions are made.
pub(crate) struct Known {
    db: Db,
    push_us: Option<f64>,
    pull_us: Option<f64>,
    workers: f64,
    read: Mutex<Option<(Timestamp, Crowd)>>,
}

impl Known {
    pub(crate) const fn new(db: Db, settings: &Settings, workers: f64) -> Self {
        Self { db, push_us: settings.push_us, pull_us: settings.pull_us, workers, read: Mutex::new(None) }
    }

    /// What was known last. Reads it only when nothing is known yet: nothing that is published waits for averages over
    /// everybody.
    pub(crate) async fn now(&self, viewers: &Viewers, now: Timestamp) -> StoreResult<Crowd> {
        let known = *self.read.lock();
        match known {
            Some((_, crowd)) => Ok(crowd),
            None => self.measure(viewers, now).await,
        }
    }

    /// What is known, read anew when that is too long ago.
    pub(crate) async fn renewed(&self, viewers: &Viewers, now: Timestamp) -> StoreResult<Crowd> {
        let known = *self.read.lock();
        match known {
            Some((at, crowd)) if now.since(at) < AGE_MAX && at <= now => Ok(crowd),
            _ => self.measure(viewers, now).await,
        }
    }

    async fn measure(&self, viewers: &Viewers, now: Timestamp) -> StoreResult<Crowd> {
        let measured = sqlx::query_as::<_, (String, f64)>("SELECT what, us FROM feed_costs").fetch_all(self.db.pool());
        let measured = telemetry::timed("postgres", "feed.costs", measured).await.map_err(fault)?;
        let us = |what: &str| measured.iter().find(|(name, _)| name == what).map(|(_, us)| *us);
        let costs = Costs {
            push_us: self.push_us.or_else(|| us("push")).unwrap_or(PUSH_US),
            pull_us: self.pull_us.or_else(|| us("pull")).unwrap_or(PULL_US),
            opens_per_day: Costs::OPENS_GUESSED,
            workers: self.workers,
        };
        const { assert!(CLASSES == Costs::OPENS_GUESSED.len()) }
        let crowd = viewers.crowd(costs).await?;
        *self.read.lock() = Some((now, crowd));
        Ok(crowd)
    }
}
