//! Keeps timelines: writes what was posted, fills and empties them as people follow and unfollow.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kernel::{Clock, EventId, Problem, UserId};
use postgres::Db;
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use schemas::content::ContentCreated;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::costs::{Known, Meter};
use crate::fan_out::{FanOut, Pass, Place, Publication};
use crate::jobs::{self, Claimed, Job, Jobs, Task};
use crate::metrics::METRICS;
use crate::model::{Source, Window};
use crate::neighbours::{Contents, Graph};
use crate::routes::{IN_TIMELINES, Routes};
use crate::timelines::{Line, Timelines};
use crate::viewers::Viewers;
use crate::{Error, Settings};

/// Content of an author that a new follower finds in the feed.
pub const BACKFILL_MAX: usize = 100;
/// Events that are taken at once: the followers of so many authors are read in one round trip.
pub const EVENTS_AT_ONCE: usize = 64;
/// Follows and unfollows of a batch of events that are worked on at once.
const TASKS_AT_ONCE: usize = 4;
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
    routes: Arc<Routes>,
    viewers: Arc<Viewers>,
    fan_out: FanOut,
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
        let routes = Arc::new(Routes::new(db.clone(), settings.distribution, settings.pull_followers_min));
        let viewers = Arc::new(Viewers::new(db.clone()));
        let fan_out = FanOut {
            timelines: Arc::clone(&timelines),
            graph: Arc::clone(&graph),
            routes: Arc::clone(&routes),
            viewers: Arc::clone(&viewers),
            costs: Known::new(db.clone(), settings, LANES as f64),
            meter: Meter::of_pushing(),
            clock: clock.clone(),
        };
        let jobs = Jobs::new(db.clone());
        Arc::new(Self { timelines, contents, graph, routes, viewers, fan_out, db, jobs, clock, work: Notify::new() })
    }

    /// Does the first step of a task at once. What remains, or fails, becomes a job: neither a long fan-out nor a store that
    /// is away holds up the events behind this one.
    pub async fn take(&self, id: EventId, task: Task) -> Result<(), Error> {
        let now = self.clock.now();
        let job = match self.step(task, None).await {
            Ok(None) => return Ok(()),
            Ok(Some((task, after))) => Job { id, task, after, due_at: now },
            Err(error) => {
                METRICS.steps_failed.inc();
                tracing::warn!(event = %id, ?task, %error, "a timeline was not updated; it will be tried again");
                Job { id, task, after: None, due_at: now.plus(jobs::backoff(1)) }
            }
        };
        self.keep(&[job]).await
    }

    /// The same for many publications at once.
    async fn publish(&self, ids: &[EventId], publications: &[Publication]) -> Result<(), Error> {
        let now = self.clock.now();
        let jobs: Vec<Job> = match self.fan_out.begin(publications).await {
            Ok(places) => {
                METRICS.steps.inc_by(publications.len() as u64);
                let long = ids.iter().zip(publications).zip(places);
                let job = |((id, it), place): ((&EventId, &Publication), Option<Place>)| {
                    let Place { pass, after } = place?;
                    Some(Job { id: *id, task: Task::push(*it, pass), after, due_at: now })
                };
                long.filter_map(job).collect()
            }
            Err(error) => {
                METRICS.steps_failed.inc();
                let count = publications.len();
                tracing::warn!(count, %error, "publications did not reach timelines; they will be tried again");
                let due_at = now.plus(jobs::backoff(1));
                let again = ids.iter().zip(publications);
                again
                    .map(|(id, it)| Job { id: *id, task: Task::push(*it, Pass::default()), after: None, due_at })
                    .collect()
            }
        };
        if jobs.is_empty() { Ok(()) } else { self.keep(&jobs).await }
    }

    async fn keep(&self, jobs: &[Job]) -> Result<(), Error> {
        self.jobs.add(jobs).await?;
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
        self.fan_out.meter.write(&self.db).await?;
        let now = self.clock.now();
        while self.viewers.recheck(now).await? {}
        let crowd = self.fan_out.costs.renewed(&self.viewers, now).await?;
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
            Ok(Some((task, after))) => {
                job.go_on(task, after, self.clock.now()).await?;
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

    /// One bounded step of a task; what is left to do, after which follower, if anything is.
    async fn step(&self, task: Task, after: Option<UserId>) -> Result<Option<(Task, Option<UserId>)>, Error> {
        let next = match task {
            Task::Push { content, author, posted_at, pass } => {
                let publication = Publication { content, author, posted_at };
                let begins = after.is_none() && pass == Pass::Everybody;
                let place = if begins {
                    self.fan_out.begin(&[publication]).await?.into_iter().flatten().next()
                } else {
                    self.fan_out.go_on(publication, Place { pass, after }).await?
                };
                place.map(|place| (Task::push(publication, place.pass), place.after))
            }
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
        let lines: Vec<Line> = latest.iter().map(|entry| Line { viewer, entry: *entry }).collect();
        self.timelines.write(&lines).await?;
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
        match task_of(event)? {
            Some(task) => Ok(self.take(event.id, task).await?),
            None => Ok(()),
        }
    }

    fn at_once(&self) -> usize {
        EVENTS_AT_ONCE
    }

    /// What was published together is written together.
    async fn consume_all(&self, events: &[&Delivery]) -> Result<(), ConsumeError> {
        let (mut ids, mut publications, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            match task_of(event)? {
                Some(Task::Push { content, author, posted_at, .. }) => {
                    ids.push(event.id);
                    publications.push(Publication { content, author, posted_at });
                }
                Some(task) => others.push((event.id, task)),
                None => {}
            }
        }
        if !publications.is_empty() {
            self.publish(&ids, &publications).await?;
        }
        let others = stream::iter(others).map(|(id, task)| self.take(id, task)).buffer_unordered(TASKS_AT_ONCE);
        Ok(others.try_collect::<()>().await?)
    }
}

/// What an event gives to do.
fn task_of(event: &Delivery) -> Result<Option<Task>, serde_json::Error> {
    let payload = event.payload.clone();
    let task = match event.kind.as_str() {
        "content.created" => {
            let ContentCreated { content, author, created_at, .. } = serde_json::from_value(payload)?;
            // Others are found where they belong: below what they are about, and in the tray.
            if !IN_TIMELINES.contains(&content.kind()) {
                return Ok(None);
            }
            Task::Push { content, author, posted_at: created_at, pass: Pass::default() }
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
        _ => return Ok(None),
    };
    Ok(Some(task))
}
