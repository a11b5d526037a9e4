//! Reels: one pool for all, the best of the newest first.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{ContentId, ContentKind, Ctx, Cursor, Page, PageSize, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::{Db, StoreResult, fault};
use schemas::content::Content;
use uuid::Uuid;

use crate::neighbours::Reception;
use crate::service::ROUNDS_MAX;
use crate::{Error, Service};

/// Reels in a pool.
pub const POOL_MAX: usize = 500;
/// A new pool is made when the last is as old as this.
pub const POOL_EVERY: Duration = Duration::from_secs(60);
/// How long one may page through a pool.
pub const POOL_AGE_MAX: Duration = Duration::from_secs(30 * 60);
/// Reels that a pool is chosen from.
const LOOKED_AT: usize = 2_000;
/// What a reel of which nothing is known does as well as: so many acts in so many views.
const ACTS_PRIOR: f64 = 0.75;
const VIEWS_PRIOR: f64 = 50.0;
const HALF_LIFE: Duration = Duration::from_hours(36);
/// Reels that are read beyond what a page needs.
const SPARE: usize = 16;

type Pool = Arc<[ContentId]>;

/// Kept in PostgreSQL, so that every process pages through the same ones.
pub(crate) struct Pools {
    db: Db,
    latest: Mutex<Option<(i64, Pool)>>,
}

/// What is done with a reel for each time that it is seen, fading with age.
fn score(id: ContentId, reception: Reception, now: Timestamp) -> f64 {
    let appeal = (reception.acts as f64 + ACTS_PRIOR) / (reception.views as f64 + VIEWS_PRIOR);
    appeal * (-now.since(id.created_at()).as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
}

const fn number_at(now: Timestamp) -> i64 {
    now.as_millis() / POOL_EVERY.as_millis() as i64
}

impl Pools {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db, latest: Mutex::new(None) }
    }

    async fn read(&self, number: i64) -> StoreResult<Option<Pool>> {
        if let Some((known, pool)) = &*self.latest.lock()
            && *known == number
        {
            return Ok(Some(Arc::clone(pool)));
        }
        let ids = sqlx::query_scalar::<_, Vec<Uuid>>("SELECT reels FROM feed_reel_pools WHERE number = $1")
            .bind(number)
            .fetch_optional(self.db.pool());
        let ids = telemetry::timed("postgres", "feed.reel_pool", ids).await.map_err(fault)?;
        let reel = |id| ContentId::from_parts(ContentKind::Reel, id);
        Ok(ids.map(|ids| ids.into_iter().map(reel).collect()))
    }

    /// Keeps a pool, unless somebody else has made one of that number: then that one holds.
    async fn keep(&self, number: i64, pool: &[ContentId]) -> StoreResult<()> {
        sqlx::query("INSERT INTO feed_reel_pools (number, reels) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING")
            .bind(number)
            .bind(pool.iter().map(|id| id.uuid()).collect::<Vec<_>>())
            .execute(self.db.pool())
            .await
            .map_err(fault)?;
        sqlx::query("DELETE FROM feed_reel_pools WHERE number < $1")
            .bind(number - (POOL_AGE_MAX.as_millis() / POOL_EVERY.as_millis()) as i64)
            .execute(self.db.pool())
            .await
            .map(drop)
            .map_err(fault)
    }

    fn remember(&self, number: i64, pool: &Pool) {
        let mut latest = self.latest.lock();
        if latest.as_ref().is_none_or(|(known, _)| *known < number) {
            *latest = Some((number, Arc::clone(pool)));
        }
    }
}

impl Service {
    /// A page of a pool: of the present one, or of the one that the cursor began.
    pub async fn reels(&self, ctx: &Ctx, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<Content>, Error> {
        let (number, mut place) = match cursor.map(Cursor::decode::<(i64, u32)>).transpose()? {
            Some((number, place)) => (number, place as usize),
            None => (number_at(ctx.now), 0),
        };
        let pool = match self.reels.read(number).await? {
            Some(pool) => pool,
            None if cursor.is_some() => return Err(Error::Cursor),
            None => self.make_pool(number, ctx.now).await?,
        };
        self.reels.remember(number, &pool);
        let mut items = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let some: Vec<ContentId> =
                pool.iter().skip(place).take(size.get() - items.len() + SPARE).copied().collect();
            let shown: HashMap<ContentId, Content> =
                self.heard(ctx.user, &some).await?.into_iter().map(|content| (content.id, content)).collect();
            let mut shown = shown;
            for id in some {
                if items.len() == size.get() {
                    break;
                }
                place += 1;
                items.extend(shown.remove(&id));
            }
            if items.len() == size.get() || place >= pool.len() {
                break;
            }
        }
        let next = (place < pool.len()).then(|| Cursor::encode(&(number, place as u32)));
        Ok(Page { items, next })
    }

    async fn make_pool(&self, number: i64, now: Timestamp) -> Result<Pool, Error> {
        let newest = self.contents.newest(ContentKind::Reel, LOOKED_AT).await?;
        let ids: Vec<ContentId> = newest.into_iter().map(|entry| entry.id).collect();
        let receptions = if ids.is_empty() { Ok(HashMap::new()) } else { self.receptions.of(&ids).await };
        let receptions = receptions.unwrap_or_else(|problem| {
            tracing::debug!(code = problem.code, "reels are chosen by age alone");
            HashMap::new()
        });
        let received = |id: &ContentId| receptions.get(id).copied().unwrap_or_default();
        let mut scored: Vec<(f64, ContentId)> = ids.iter().map(|id| (score(*id, received(id), now), *id)).collect();
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        scored.truncate(POOL_MAX);
        let pool: Vec<ContentId> = scored.into_iter().map(|(_, id)| id).collect();
        self.reels.keep(number, &pool).await?;
        // As it was kept: another process may have been first.
        Ok(self.reels.read(number).await?.unwrap_or_else(|| pool.into()))
    }

    /// What of `ids` the viewer may read now, without those whom the viewer muted.
    pub(crate) async fn heard(&self, viewer: UserId, ids: &[ContentId]) -> Result<Vec<Content>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut shown = self.contents.shown(viewer, ids).await?.contents;
        let mut authors: Vec<UserId> = shown.iter().map(|content| content.author.id).collect();
        authors.sort_unstable();
        authors.dedup();
        let edges = self.graph.edges(viewer, &authors).await?;
        shown.retain(|content| edges.get(&content.author.id).is_none_or(|edge| !edge.hidden));
        Ok(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_liked_and_new_comes_first() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let reel = |hours| ContentId::new(ContentKind::Reel, now.minus(Duration::from_hours(hours)));
        let rated = |hours, acts, views| score(reel(hours), Reception { acts, views }, now);
        assert!(rated(1, 0, 0) > rated(40, 0, 0), "newer");
        assert!(rated(1, 30, 1_000) > rated(1, 10, 1_000), "liked more");
        assert!(rated(1, 0, 0) > rated(1, 0, 100), "unknown is better than known to be dull");
        assert!(rated(1, 1, 1) < rated(1, 300, 1_000), "one like in one view proves little");
        assert!((rated(36, 0, 0) / rated(0, 0, 0) - 0.5).abs() < 1e-6);
    }
}
