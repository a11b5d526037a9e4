//! The following feed: what those whom I follow publish, and I.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{ContentId, Ctx, Cursor, Page, PageSize, UserId};
use postgres::Db;
use schemas::feed::{FeedItem, Why};

use crate::authors::Authors;
use crate::metrics::METRICS;
use crate::model::{Entry, Part, merge};
use crate::neighbours::{Contents, Edge, Graph};
use crate::timelines::Timelines;
use crate::{Error, Settings};

/// Rounds of reading and filtering for one page. A page that is not full after that goes on behind its cursor.
pub const ROUNDS_MAX: usize = 4;
/// Entries that are read beyond what a page needs, so that a few that are filtered out cost no further round.
const SPARE: usize = 16;

pub struct Service {
    timelines: Arc<dyn Timelines>,
    contents: Arc<dyn Contents>,
    graph: Arc<dyn Graph>,
    authors: Authors,
}

impl Service {
    #[must_use]
    pub fn new(
        db: Db,
        timelines: Arc<dyn Timelines>,
        contents: Arc<dyn Contents>,
        graph: Arc<dyn Graph>,
        settings: &Settings,
    ) -> Arc<Self> {
        Arc::new(Self { timelines, contents, graph, authors: Authors::new(db, settings.pull_followers_min) })
    }

    /// A page of the feed. Each round costs the same round trips, whomever the caller follows: one to the timelines, one to the
    /// graph, one for what is pulled, and those of [`Contents::shown`].
    pub async fn following(&self, ctx: &Ctx, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<FeedItem>, Error> {
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let pulled = self.authors.pulled(ctx.now).await?;
        let mut edges = HashMap::new();
        let mut items = Vec::with_capacity(size.get() + SPARE);
        for round in 1..=ROUNDS_MAX {
            let wanted = size.get() + 1 - items.len() + SPARE;
            let pushed = Part::new(self.timelines.page(ctx.user, before, wanted).await?, wanted);
            self.learn(ctx.user, &pushed, &pulled, &mut edges).await?;
            let sources = self.pulled_for(ctx.user, &pulled, &edges);
            let found = Part::new(self.contents.latest(&sources, before, wanted).await?, wanted);

            let merged = merge(&pushed, &found, wanted);
            items.extend(self.shown(ctx.user, &merged.entries, &edges).await?);
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

    /// Asks the graph about those authors whom it was not asked about yet.
    async fn learn(
        &self,
        viewer: UserId,
        pushed: &Part,
        pulled: &[UserId],
        edges: &mut HashMap<UserId, Edge>,
    ) -> Result<(), Error> {
        let authors = pushed.entries.iter().map(|entry| entry.author).chain(pulled.iter().copied());
        let mut unknown: Vec<UserId> =
            authors.filter(|author| *author != viewer && !edges.contains_key(author)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        let known = self.graph.edges(viewer, &unknown).await?;
        edges.extend(unknown.into_iter().map(|author| (author, known.get(&author).copied().unwrap_or_default())));
        Ok(())
    }

    /// Whose content this viewer pulls: that of the pulled authors who belong into the feed, and the viewer's own, which are
    /// therefore there as soon as they are written.
    fn pulled_for(&self, viewer: UserId, pulled: &[UserId], edges: &HashMap<UserId, Edge>) -> Vec<UserId> {
        let shows = |author: &&UserId| **author != viewer && edges.get(*author).is_some_and(|edge| edge.shows());
        let mut sources: Vec<UserId> = pulled.iter().filter(shows).copied().collect();
        sources.push(viewer);
        sources
    }

    /// What of `entries` is to be seen now.
    async fn shown(
        &self,
        viewer: UserId,
        entries: &[Entry],
        edges: &HashMap<UserId, Edge>,
    ) -> Result<Vec<FeedItem>, Error> {
        let belongs = |author: UserId| author == viewer || edges.get(&author).is_some_and(|edge| edge.shows());
        let wanted = entries.iter().filter(|entry| belongs(entry.author));
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
