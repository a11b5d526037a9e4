//! Keeps timelines: writes what was posted, fills and empties them as people follow and unfollow.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, ContentId, EventId, Problem, Timestamp, UserId};
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use schemas::content::ContentCreated;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::authors::Authors;
use crate::jobs::{self, Claimed, Jobs, Task};
use crate::metrics::METRICS;
use crate::model::Entry;
use crate::neighbours::{Contents, Graph};
use crate::timelines::{BATCH_MAX, Timelines};
use crate::{Error, Settings};

/// Content of an author that a new follower finds in the feed.
pub const BACKFILL_MAX: usize = 100;
/// Every so many writes to a timeline, on average, it is looked whether it has grown too long.
pub const TRIM_EVERY: u64 = 32;
/// Tasks that one process works on at once.
const LANES: usize = 2;
/// Wait between looks when nothing wakes a lane: another process may have left work behind.
const POLL: Duration = Duration::from_secs(1);

pub struct Worker {
    timelines: Arc<dyn Timelines>,
    contents: Arc<dyn Contents>,
    graph: Arc<dyn Graph>,
    authors: Authors,
    jobs: Jobs,
    clock: Clock,
    work: Notify,
}

impl Worker {
    #[must_use]
    pub fn new(
        db: Db,
        timelines: Arc<dyn Timelines>,
        contents: Arc<dyn Contents>,
        graph: Arc<dyn Graph>,
        settings: &Settings,
        clock: Clock,
    ) -> Arc<Self> {
        let authors = Authors::new(db.clone(), settings.pull_followers_min);
        Arc::new(Self { timelines, contents, graph, authors, jobs: Jobs::new(db), clock, work: Notify::new() })
    }

    /// Does the first step of a task at once. What remains, or fails, becomes a job: neither a long fan-out nor a store that
    /// is away holds up the events behind this one.
    pub async fn take(&self, id: EventId, task: Task) -> Result<(), Error> {
        let after = match self.step(task, None).await {
            Ok(None) => return Ok(()),
            Ok(Some(after)) => Some(after),
            Err(error) => {
                METRICS.steps_failed.inc();
                tracing::warn!(event = %id, ?task, %error, "a timeline was not updated; it will be tried again");
                None
            }
        };
        let wait = if after.is_some() { Duration::ZERO } else { jobs::backoff(1) };
        self.jobs.add(id, task, after, self.clock.now().plus(wait)).await?;
        self.work.notify_one();
        Ok(())
    }

    /// Works on jobs until `stop`; a step in hand is finished first. Any number of processes may run it.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            lanes.spawn(Arc::clone(&self).lane(stop.clone()));
        }
        while lanes.join_next().await.is_some() {}
    }

    async fn lane(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let worked = self.work_once().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "work on timelines cannot go on; trying again");
                false
            });
            if !worked {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(POLL, self.work.notified()) => {}
                }
            }
        }
    }

    /// Does one step of the job that waited longest. Whether there was one.
    pub async fn work_once(&self) -> Result<bool, Error> {
        let Some(job) = self.jobs.claim(self.clock.now()).await? else { return Ok(false) };
        self.work_on(job).await?;
        Ok(true)
    }

    async fn work_on(&self, job: Claimed) -> Result<(), Error> {
        match self.step(job.task, job.after).await {
            Ok(None) => job.done().await?,
            Ok(Some(after)) => {
                job.go_on(after, self.clock.now()).await?;
                self.work.notify_one();
            }
            Err(error) => {
                METRICS.steps_failed.inc();
                tracing::warn!(event = %job.id, task = ?job.task, %error, "a timeline was not updated; it will be tried again");
                job.try_later(self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// One bounded step of a task; the follower to go on after, if there is more to do.
    async fn step(&self, task: Task, after: Option<UserId>) -> Result<Option<UserId>, Error> {
        let next = match task {
            Task::Push { content, author, posted_at } => self.push(content, author, posted_at, after).await?,
            Task::Backfill { viewer, author } => {
                self.backfill(viewer, author).await?;
                None
            }
            Task::Remove { viewer, author } => {
                self.remove(viewer, author).await?;
                None
            }
            Task::Clear { viewer } => {
                self.timelines.clear(viewer).await?;
                None
            }
        };
        METRICS.steps.inc();
        Ok(next)
    }

    /// Up to [`BATCH_MAX`] followers get something new. Who follows later, with an id that was passed already, gets it by
    /// the backfill: it was committed before this began.
    async fn push(
        &self,
        content: ContentId,
        author: UserId,
        posted_at: Timestamp,
        after: Option<UserId>,
    ) -> Result<Option<UserId>, Error> {
        if after.is_none() {
            let followers = self.graph.followers_count(author).await?;
            if !self.authors.mode(author, followers, self.clock.now()).await?.pushes() {
                METRICS.pulled.inc();
                return Ok(None);
            }
        }
        let followers = self.graph.followers(author, after, BATCH_MAX).await?;
        if !followers.is_empty() {
            self.timelines.push(&followers, Entry { id: content, author }).await?;
            METRICS.rows.inc_by(followers.len() as u64);
            let grown: Vec<UserId> =
                followers.iter().copied().filter(|viewer| is_due_for_trim(*viewer, content)).collect();
            if !grown.is_empty() {
                self.timelines.trim(&grown).await?;
            }
        }
        if followers.len() == BATCH_MAX {
            return Ok(followers.last().copied());
        }
        METRICS.visible_after.observe(self.clock.now().since(posted_at).as_secs_f64());
        Ok(None)
    }

    async fn backfill(&self, viewer: UserId, author: UserId) -> Result<(), Error> {
        // A pulled author's content is found without.
        if self.authors.pulled(self.clock.now()).await?.contains(&author) || !self.follows(viewer, author).await? {
            return Ok(());
        }
        let latest = self.contents.latest(&[author], None, BACKFILL_MAX).await?;
        if latest.is_empty() {
            return Ok(());
        }
        self.timelines.fill(viewer, &latest).await?;
        METRICS.rows.inc_by(latest.len() as u64);
        self.timelines.trim(&[viewer]).await?;
        Ok(())
    }

    async fn remove(&self, viewer: UserId, author: UserId) -> Result<(), Error> {
        if self.follows(viewer, author).await? {
            return Ok(());
        }
        self.timelines.remove_author(viewer, author).await?;
        // Followed again meanwhile: what the new backfill wrote may just have been removed.
        self.backfill(viewer, author).await
    }

    async fn follows(&self, viewer: UserId, author: UserId) -> Result<bool, Problem> {
        let edges = self.graph.edges(viewer, &[author]).await?;
        Ok(edges.get(&author).is_some_and(|edge| edge.follows))
    }
}

/// Chooses one viewer in [`TRIM_EVERY`], another set for each piece of content, the same set when a step is repeated.
fn is_due_for_trim(viewer: UserId, content: ContentId) -> bool {
    let mixed = (viewer.uuid().as_u128() ^ content.uuid().as_u128()) as u64;
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & (TRIM_EVERY - 1) == 0
}

/// `source` follows or followed `target`.
#[derive(Deserialize)]
struct FollowChanged {
    source: UserId,
    target: UserId,
}

#[derive(Deserialize)]
struct AccountDeleted {
    user: UserId,
}

/// What is deleted needs no task: it is not shown from that moment on, and leaves a timeline when a page comes across it.
#[async_trait]
impl Consumer for Worker {
    fn name(&self) -> &'static str {
        "feed"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "content.created" | "follow.created" | "follow.removed" | "account.deleted")
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let payload = event.payload.clone();
        let task = match event.kind.as_str() {
            "content.created" => {
                let ContentCreated { content, author, created_at, .. } = serde_json::from_value(payload)?;
                Task::Push { content, author, posted_at: created_at }
            }
            "follow.created" => {
                let FollowChanged { source, target } = serde_json::from_value(payload)?;
                Task::Backfill { viewer: source, author: target }
            }
            "follow.removed" => {
                let FollowChanged { source, target } = serde_json::from_value(payload)?;
                Task::Remove { viewer: source, author: target }
            }
            "account.deleted" => {
                let AccountDeleted { user } = serde_json::from_value(payload)?;
                Task::Clear { viewer: user }
            }
            _ => return Ok(()),
        };
        Ok(self.take(event.id, task).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ContentKind;

    #[test]
    fn every_timeline_is_due_for_a_trim_now_and_then() {
        let post = |ms| ContentId::new(ContentKind::Post, Timestamp::from_millis(ms));
        let viewer = UserId::new(Timestamp::from_millis(7));
        let due = (0..3_200).filter(|ms| is_due_for_trim(viewer, post(*ms))).count();
        assert!((50..200).contains(&due), "{due} of 3,200");
        let post = post(9);
        assert_eq!(is_due_for_trim(viewer, post), is_due_for_trim(viewer, post));
    }
}
