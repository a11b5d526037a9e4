//! Work that is done a step at a time, kept in PostgreSQL until it is done.

use std::time::Duration;

use kernel::{ContentId, EventId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};

use crate::fan_out::{Pass, Publication};

/// Wait after the first failure of a step; doubles with each, up to a minute.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What is to be done to timelines. Each can be done twice without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// Writes content into the timelines of its author's followers, unless it will be pulled.
    Push {
        content: ContentId,
        author: UserId,
        posted_at: Timestamp,
        #[serde(default)]
        pass: Pass,
    },
    /// Writes an author's latest content into a new follower's timeline.
    Backfill { viewer: UserId, author: UserId },
    /// Takes an author's content out of a timeline.
    Remove { viewer: UserId, author: UserId },
    /// Takes a person's timeline away.
    Clear { viewer: UserId },
}

impl Task {
    pub(crate) const fn push(Publication { content, author, posted_at }: Publication, pass: Pass) -> Self {
        Self::Push { content, author, posted_at, pass }
    }
}

/// A task that is to be kept, or what is left of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) id: EventId,
    pub(crate) task: Task,
    /// The last follower who was served.
    pub(crate) after: Option<UserId>,
    pub(crate) due_at: Timestamp,
}

/// A task in somebody's hands: locked, and put back as it was when dropped.
pub(crate) struct Claimed {
    tx: Transaction<'static, Postgres>,
    pub(crate) id: EventId,
    pub(crate) task: Task,
    /// The last follower who was served.
    pub(crate) after: Option<UserId>,
    tries: i32,
}

#[derive(Clone)]
pub(crate) struct Jobs {
    db: Db,
}

impl Jobs {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }

    /// Keeps tasks until they are done. Adding them again changes nothing.
    pub(crate) async fn add(&self, jobs: &[Job]) -> StoreResult<()> {
        sqlx::query(
            "INSERT INTO feed_jobs (id, task, after, due_at)
             SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::uuid[], $4::timestamptz[]) ON CONFLICT (id) DO NOTHING",
        )
        .bind(jobs.iter().map(|job| job.id).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| Json(job.task)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.after).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.due_at).collect::<Vec<_>>())
        .execute(self.db.pool())
        .await
        .map(drop)
        .map_err(fault)
    }

    /// Takes the task that has waited longest and that nobody else has in hand.
    pub(crate) async fn claim(&self, now: Timestamp) -> StoreResult<Option<Claimed>> {
        type Row = (EventId, Json<Task>, Option<UserId>, i32);
        let mut tx = self.db.begin().await?;
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, task, after, tries FROM feed_jobs WHERE due_at <= $1
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(now)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
        Ok(row.map(|(id, Json(task), after, tries)| Claimed { tx, id, task, after, tries }))
    }
}

impl Claimed {
    pub(crate) async fn done(mut self) -> StoreResult<()> {
        let delete = sqlx::query("DELETE FROM feed_jobs WHERE id = $1").bind(self.id);
        delete.execute(&mut *self.tx).await.map_err(fault)?;
        self.tx.commit().await.map_err(fault)
    }

    /// Goes to the end of the line, so that long tasks take turns.
    pub(crate) async fn go_on(mut self, task: Task, after: Option<UserId>, now: Timestamp) -> StoreResult<()> {
        let update = sqlx::query("UPDATE feed_jobs SET task = $2, after = $3, tries = 0, due_at = $4 WHERE id = $1");
        update.bind(self.id).bind(Json(task)).bind(after).bind(now).execute(&mut *self.tx).await.map_err(fault)?;
        self.tx.commit().await.map_err(fault)
    }

    /// Waits for better times. There is no last try: what a reader should see does not depend on how long a store is away.
    pub(crate) async fn try_later(mut self, now: Timestamp) -> StoreResult<()> {
        let tries = self.tries.saturating_add(1);
        let update = sqlx::query("UPDATE feed_jobs SET tries = $2, due_at = $3 WHERE id = $1");
        let update = update.bind(self.id).bind(tries).bind(now.plus(backoff(tries)));
        update.execute(&mut *self.tx).await.map_err(fault)?;
        self.tx.commit().await.map_err(fault)
    }
}

pub(crate) fn backoff(tries: i32) -> Duration {
    let doublings = tries.saturating_sub(1).clamp(0, 16).unsigned_abs();
    BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        assert_eq!(backoff(1), Duration::from_millis(500));
        assert_eq!(backoff(2), Duration::from_secs(1));
        assert_eq!(backoff(7), Duration::from_secs(32));
        assert_eq!(backoff(8), BACKOFF_MAX);
        assert_eq!(backoff(i32::MAX), BACKOFF_MAX);
    }
}
