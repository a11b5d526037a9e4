//! Keeps timelines: writes what was posted, fills and empties them as people follow and unfollow.

use std::sync::Arc;
use std::time::{Duration, Instant};

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

use crate::costs::{Known, Meter};
use crate::jobs::{self, Claimed, Jobs, Task};
use crate::metrics::METRICS;
use crate::model::{Entry, Source, Window};
use crate::neighbours::{Contents, Graph};
use crate::policy::{Class, Reach};
use crate::routes::{IN_TIMELINES, Routes};
use crate::timelines::{BATCH_MAX, Timelines};
use crate::viewers::Viewers;
use crate::{Error, Settings};

/// Content of an author that a new follower finds in the feed.
pub const BACKFILL_MAX: usize = 100;
/// Every so many writes to a timeline, on average, it is looked whether it has grown too long.
pub const TRIM_EVERY: u64 = 32;
/// Tasks that one process works on at once.
const LANES: usize = 2;
/// Wait between looks for decisions that are due.
const RECHECK_EVERY: Duration = Duration::from_secs(60);
/// Wait between looks when nothing wakes a lane: another process may have left work behind.
const POLL: Duration = Duration::from_secs(1);

pub struct Worker {
    timelines: Arc<dyn Timelines>,
    contents: Arc<dyn Contents>,
    graph: Arc<dyn Graph>,
    routes: Routes,
    viewers: Viewers,
    costs: Known,
    meter: Meter,
    db: Db,
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
        Arc::new(Self {
            timelines,
            contents,
            graph,
            routes: Routes::new(db.clone(), settings.distribution, settings.pull_followers_min),
            viewers: Viewers::new(db.clone()),
            costs: Known::new(db.clone(), settings, LANES as f64),
            meter: Meter::of_pushing(),
            jobs: Jobs::new(db.clone()),
            db,
            clock,
            work: Notify::new(),
        })
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
        lanes.spawn(self.keep_deciding(stop));
        while lanes.join_next().await.is_some() {}
    }

    async fn keep_deciding(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(RECHECK_EVERY);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.recheck().await {
                tracing::warn!(%error, "decisions about distribution stay as they are");
            }
        }
    }

    /// Looks again at decisions and classes that are due, and tells what pushing took.
    pub async fn recheck(&self) -> Result<(), Error> {
        self.meter.write(&self.db).await?;
        let now = self.clock.now();
        while self.viewers.recheck(now).await? {}
        let crowd = self.costs.now(&self.viewers, now).await?;
        while self.routes.recheck(&crowd, now).await? {}
        Ok(())
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
        let (kind, now) = (content.kind(), self.clock.now());
        let reach = if after.is_none() {
            let followers = self.graph.followers_count(author).await?;
            let crowd = self.costs.now(&self.viewers, now).await?;
            self.routes.published((author, kind), followers, &crowd, (posted_at, now)).await?
        } else {
            self.routes.reach(author, kind).await?
        };
        if reach == Reach::NOBODY {
            METRICS.pulled.inc();
            return Ok(None);
        }
        let page = self.graph.followers(author, after, BATCH_MAX).await?;
        let next = if page.len() == BATCH_MAX { page.last().copied() } else { None };
        let followers = self.reached(page, reach).await?;
        if !followers.is_empty() {
            let began = Instant::now();
            self.timelines.push(&followers, Entry { id: content, author }).await?;
            self.meter.measured(followers.len(), began.elapsed());
            METRICS.rows.inc_by(followers.len() as u64);
            let grown: Vec<UserId> =
                followers.iter().copied().filter(|viewer| is_due_for_trim(*viewer, content)).collect();
            if !grown.is_empty() {
                self.timelines.trim(&grown).await?;
            }
        }
        if next.is_none() {
            METRICS.visible_after.observe(self.clock.now().since(posted_at).as_secs_f64());
        }
        Ok(next)
    }

    /// Those of `viewers` who are pushed to. Whoever comes into a higher class after this was asked pulls what was published
    /// until then.
    async fn reached(&self, mut viewers: Vec<UserId>, reach: Reach) -> Result<Vec<UserId>, Error> {
        if reach != Reach::EVERYBODY {
            let classes = self.viewers.classes(&viewers).await?;
            viewers.retain(|viewer| reach.pushes_to(classes.get(viewer).copied().unwrap_or(Class::LOWEST)));
        }
        Ok(viewers)
    }

    async fn backfill(&self, viewer: UserId, author: UserId) -> Result<(), Error> {
        if !self.follows(viewer, author).await? {
            return Ok(());
        }
        // What is pulled is found without.
        let class = self.viewers.of(viewer).await?.class;
        let mut sources = Vec::with_capacity(IN_TIMELINES.len());
        for kind in IN_TIMELINES {
            if self.routes.reach(author, kind).await?.pushes_to(class) {
                sources.push(Source { author, kind });
            }
        }
        let latest = self.contents.latest(&sources, Window::default(), BACKFILL_MAX).await?;
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
                // Those are found where they belong: below what they are about, and in the tray.
                if !IN_TIMELINES.contains(&content.kind()) {
                    return Ok(());
                }
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
