//! The following feed: what those whom I follow publish, and I.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Clock, ContentId, Ctx, Cursor, Page, PageSize, Timestamp, UserId};
use postgres::Db;
use schemas::feed::{FeedItem, Why};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::costs::Meter;
use crate::metrics::METRICS;
use crate::model::{Entry, Part, Source, Window, merge};
use crate::neighbours::{Contents, Graph, Receptions};
use crate::reels::Pools;
use crate::routes::{IN_TIMELINES, Route, Routes};
use crate::timelines::Timelines;
use crate::viewers::{Viewer, Viewers};
use crate::{Error, Settings};

/// Rounds of reading and filtering for one page. A page that is not full after that goes on behind its cursor.
pub const ROUNDS_MAX: usize = 4;
/// Entries that are read beyond what a page needs, so that a few that are filtered out cost no further round.
const SPARE: usize = 16;
/// How long opens of the feed are remembered before they are written.
const WRITE_EVERY: Duration = Duration::from_secs(10);

pub struct Service {
    timelines: Arc<dyn Timelines>,
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) graph: Arc<dyn Graph>,
    pub(crate) receptions: Arc<dyn Receptions>,
    pub(crate) reels: Pools,
    routes: Routes,
    viewers: Viewers,
    pull: Meter,
    pub(crate) db: Db,
}

/// What a viewer's feed is made of.
struct Sources {
    me: UserId,
    viewer: Viewer,
    followed: HashSet<UserId>,
    /// Those followed who are, or were, not pushed to everybody.
    routes: Vec<Route>,
}

impl Sources {
    fn belongs(&self, author: UserId) -> bool {
        author == self.me || self.followed.contains(&author)
    }

    /// What may not have been pushed of what was published at `oldest` or later; and always the viewer's own, which is
    /// therefore there as soon as it is written.
    fn pulled(&self, oldest: Timestamp) -> Vec<Source> {
        let routes = self.routes.iter().filter(|route| self.viewer.pulls(route, oldest));
        let own = IN_TIMELINES.into_iter().map(|kind| Source { author: self.me, kind });
        routes.map(|route| Source { author: route.author, kind: route.kind }).chain(own).collect()
    }
}

impl Service {
    #[must_use]
    pub fn new(
        db: Db,
        timelines: Arc<dyn Timelines>,
        contents: Arc<dyn Contents>,
        graph: Arc<dyn Graph>,
        receptions: Arc<dyn Receptions>,
        settings: &Settings,
    ) -> Arc<Self> {
        let routes = Routes::new(db.clone(), settings.distribution, settings.pull_followers_min);
        let viewers = Viewers::new(db.clone());
        let reels = Pools::new(db.clone());
        Arc::new(Self { timelines, contents, graph, receptions, reels, routes, viewers, pull: Meter::of_pulling(), db })
    }

    /// Writes down who opened the feed, until `stop`. Belongs where pages are served.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        let mut tick = interval(WRITE_EVERY);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            self.write_down(clock.now()).await;
        }
        self.write_down(clock.now()).await;
    }

    /// Writes down who opened the feed since the last time.
    pub async fn write_down(&self, now: Timestamp) {
        let written = async {
            self.viewers.write(now).await?;
            self.pull.write(&self.db).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "how often feeds are opened was not written down");
        }
    }

    /// A page of the feed. It costs the same round trips, whomever the caller follows: one to the timelines, and at once one
    /// to the graph and one for the viewer; one for what is decided about those followed; one for what is pulled; and those
    /// of [`Contents::shown`]. A further round repeats the first and the last two.
    pub async fn following(&self, ctx: &Ctx, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<FeedItem>, Error> {
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        if cursor.is_none() && self.viewers.opened(ctx.user) {
            self.write_down(ctx.now).await;
        }
        let mut items = Vec::with_capacity(size.get() + SPARE);
        let mut sources = None;
        for round in 1..=ROUNDS_MAX {
            let wanted = size.get() + 1 - items.len() + SPARE;
            let page = async { Ok::<_, Error>(self.timelines.page(ctx.user, before, wanted).await?) };
            let (page, sources) = match &sources {
                Some(sources) => (page.await?, sources),
                None => {
                    let (page, found) = tokio::try_join!(page, self.sources(ctx.user))?;
                    (page, &*sources.insert(found))
                }
            };
            let pushed = Part::new(page, wanted);
            let found = self.pull(sources, &pushed, before, wanted).await?;

            let merged = merge(&pushed, &found, wanted);
            items.extend(self.shown(sources, &merged.entries).await?);
            if items.len() > size.get() {
                METRICS.page_rounds.observe(round as f64);
                return Ok(Page::cut(items, size, |item| Cursor::encode(&item.content.id)));
            }
            before = merged.resume;
            if before.is_none() {
                METRICS.page_rounds.observe(round as f64);
                return Ok(Page { items, next: None });
            }
        }
        METRICS.page_rounds.observe(ROUNDS_MAX as f64);
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: before.map(|id| Cursor::encode(&id)) })
    }

    /// From whom the first page of a viewer pulls, its own content apart: as many entries of the timeline are looked at.
    pub async fn pulled(&self, me: UserId, entries: usize) -> Result<Vec<Route>, Error> {
        let page = self.timelines.page(me, None, entries).await?;
        let pushed = Part::new(page, entries);
        let sources = self.sources(me).await?;
        let oldest = pushed.oldest();
        Ok(sources.routes.iter().filter(|route| sources.viewer.pulls(route, oldest)).copied().collect())
    }

    async fn sources(&self, me: UserId) -> Result<Sources, Error> {
        let viewer = async { Ok::<_, Error>(self.viewers.of(me).await?) };
        let followed = async { Ok::<_, Error>(self.graph.followed(me).await?) };
        let (viewer, followed) = tokio::try_join!(viewer, followed)?;
        let routes = self.routes.of(&followed, viewer.worst).await?;
        Ok(Sources { me, viewer, followed: followed.into_iter().collect(), routes })
    }

    /// What the timeline may lack, as far down as `pushed` reaches.
    async fn pull(
        &self,
        sources: &Sources,
        pushed: &Part,
        before: Option<ContentId>,
        limit: usize,
    ) -> Result<Part, Error> {
        let from = if pushed.ended { None } else { pushed.entries.last().map(|entry| entry.id) };
        let asked = sources.pulled(pushed.oldest());
        let began = Instant::now();
        let found = self.contents.latest(&asked, Window { before, from }, limit).await?;
        self.pull.measured(asked.len(), began.elapsed());
        METRICS.page_pulls.observe(asked.len() as f64);
        // What is below the window is asked for when the timeline has been read that far.
        let ended = found.len() < limit;
        Ok(Part { entries: found, ended })
    }

    /// What of `entries` is to be seen now.
    async fn shown(&self, sources: &Sources, entries: &[Entry]) -> Result<Vec<FeedItem>, Error> {
        let viewer = sources.me;
        let wanted = entries.iter().filter(|entry| sources.belongs(entry.author));
        let wanted: Vec<ContentId> = wanted.map(|entry| entry.id).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.contents.shown(viewer, &wanted).await?;
        if !found.gone.is_empty()
            && let Err(error) = self.timelines.remove(viewer, &found.gone).await
        {
            // They are not shown either way; the next page that comes across them tries again.
            tracing::debug!(%viewer, %error, "what was deleted stays in a timeline");
        }
        let item = |content: schemas::content::Content| {
            let why = if content.author.id == viewer { Why::Own } else { Why::Followed };
            FeedItem { content, why }
        };
        Ok(found.contents.into_iter().map(item).collect())
    }
}
