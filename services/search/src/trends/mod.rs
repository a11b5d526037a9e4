//! Hashtags that are used more than they used to be.
//!
//! What counts is kept as rows, one for each hashtag of each public post of the last [`KEPT`]; [`Counter`] writes them from
//! events, by reading the post as it is now. Trends are worked out of the rows when somebody asks, and remembered for
//! [`FRESH`].

mod counter;
mod store;
mod velocity;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use index::Language;
use kernel::Timestamp;
use postgres::{Db, StoreResult};
use schemas::search::{TrendingHashtag, TrendingHashtags};
use tokio::sync::Mutex;

pub use counter::Counter;
pub use velocity::{HALF_LIFE, RECENT, velocity};

/// Most trends at once.
pub const TRENDS_MAX: usize = 50;
/// So many people at least make a trend.
pub const PEOPLE_MIN: u64 = 3;
/// How long a use is kept: the recent window, and the week before it.
pub const KEPT: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// How long trends are told again before they are worked out anew.
pub const FRESH: Duration = Duration::from_secs(30);
/// Hashtags whose past is looked up: those that are used most now.
const CANDIDATES_MAX: i64 = 500;

type Known = HashMap<Option<Language>, Arc<TrendingHashtags>>;

pub(crate) struct Trends {
    db: Db,
    /// At most one entry a language. Locked while they are worked out, so that it is done once, however many ask.
    known: Mutex<Known>,
}

impl Trends {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, known: Mutex::default() }
    }

    pub(crate) async fn hashtags(
        &self,
        language: Option<Language>,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<TrendingHashtags> {
        let mut known = self.known.lock().await;
        let fresh = known.get(&language).filter(|known| now.since(known.as_of) < FRESH).cloned();
        let trends = match fresh {
            Some(trends) => trends,
            None => {
                let trends = Arc::new(self.work_out(language, now).await?);
                known.insert(language, Arc::clone(&trends));
                trends
            }
        };
        drop(known);
        let items = trends.items.iter().take(limit).cloned().collect();
        Ok(TrendingHashtags { items, as_of: trends.as_of })
    }

    async fn work_out(&self, language: Option<Language>, now: Timestamp) -> StoreResult<TrendingHashtags> {
        let mut items: Vec<TrendingHashtag> = Vec::new();
        for heat in store::heats(&self.db, language, now).await? {
            let velocity = velocity(heat.heat, heat.past_uses);
            if velocity > 0.0 {
                let (people, posts) = (heat.people.unsigned_abs(), heat.posts.unsigned_abs());
                items.push(TrendingHashtag { tag: heat.tag, people, posts, velocity });
            }
        }
        items.sort_by(|a, b| b.velocity.total_cmp(&a.velocity).then_with(|| a.tag.cmp(&b.tag)));
        items.truncate(TRENDS_MAX);
        Ok(TrendingHashtags { items, as_of: now })
    }
}
