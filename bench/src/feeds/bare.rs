//! The reads that a page needs, and nothing else: the same statements with the same answers, which nobody looks at.

use std::collections::BTreeSet;
use std::time::Duration;

use feed::{IN_TIMELINES, Route};
use kernel::{PageSize, UserId};
use uuid::Uuid;

use super::Failure;
use super::stage::Stage;

/// Entries that a page of fifty asks for.
const ENTRIES: usize = 67;

struct Page {
    viewer: UserId,
    followed: Vec<Uuid>,
    sources: Vec<content::Source>,
    ids: Vec<Uuid>,
    authors: Vec<Uuid>,
}

pub struct Bare(Vec<Page>);

impl Bare {
    /// Finds out what the pages of `readers` ask for.
    pub async fn prepare(stage: &Stage, readers: &[UserId]) -> Result<Self, Failure> {
        let mut pages = Vec::new();
        for viewer in readers.iter().copied() {
            let page = stage.feed.following(&stage.ctx(viewer), None, PageSize::try_from(66)?).await?;
            let ids: Vec<Uuid> = page.items.iter().map(|item| item.content.id.uuid()).collect();
            let authors: BTreeSet<Uuid> = page.items.iter().map(|item| item.content.author.id.uuid()).collect();
            let own = IN_TIMELINES.map(|kind| content::Source { author: viewer, kind });
            let pulled = stage.feed.pulled(viewer, ENTRIES).await?;
            let source = |route: &Route| content::Source { author: route.author, kind: route.kind };
            let sources = pulled.iter().map(source).chain(own).collect();
            let followed = sqlx::query_scalar("SELECT target FROM follows WHERE source = $1")
                .bind(viewer)
                .fetch_all(stage.db.pool())
                .await?;
            pages.push(Page { viewer, followed, sources, ids, authors: authors.into_iter().collect() });
        }
        Ok(Self(pages))
    }

    pub async fn read(&self, stage: &Stage, nth: usize) -> Result<(), Failure> {
        let (page, db) = (&self.0[nth], stage.db.pool());
        let viewer = page.viewer;
        let pushed = stage.timelines.page(viewer, None, ENTRIES).await?;
        sqlx::query("SELECT class, class_worst, since FROM feed_viewers WHERE viewer = $1")
            .bind(viewer)
            .fetch_all(db)
            .await?;
        sqlx::query(
            "SELECT target FROM follows WHERE source = $1 AND target NOT IN (SELECT target FROM mutes WHERE source = $1)",
        )
        .bind(viewer)
        .fetch_all(db)
        .await?;
        sqlx::query(
            "SELECT author, kind, reach, reach_worst, since FROM feed_routes
             WHERE author = ANY($1) AND reach_worst > $2",
        )
        .bind(&page.followed)
        .bind(3_i16)
        .fetch_all(db)
        .await?;
        let from = if pushed.len() < ENTRIES { None } else { pushed.last().map(|entry| entry.id) };
        stage.content.latest(&page.sources, content::Window { before: None, from }, ENTRIES).await?;
        sqlx::query("SELECT * FROM contents WHERE id = ANY($1) AND deleted_at IS NULL")
            .bind(&page.ids)
            .fetch_all(db)
            .await?;
        sqlx::query("SELECT id, handle, name, private FROM accounts WHERE id = ANY($1) AND deleted_at IS NULL")
            .bind(&page.authors)
            .fetch_all(db)
            .await?;
        sqlx::query(
            "SELECT o.other,
                    EXISTS (SELECT FROM follows WHERE source = $1 AND target = o.other),
                    EXISTS (SELECT FROM follows WHERE source = o.other AND target = $1),
                    EXISTS (SELECT FROM blocks WHERE source = $1 AND target = o.other)
                        OR EXISTS (SELECT FROM blocks WHERE source = o.other AND target = $1),
                    EXISTS (SELECT FROM mutes WHERE source = $1 AND target = o.other)
             FROM unnest($2::uuid[]) AS o (other)",
        )
        .bind(viewer)
        .bind(&page.authors)
        .fetch_all(db)
        .await?;
        Ok(())
    }
}

/// What this process has used of the processors.
pub fn cpu() -> Result<Duration, Failure> {
    crate::cdc::cpu()
}
