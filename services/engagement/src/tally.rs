//! Counts, for whoever shows content.

use std::collections::{HashMap, HashSet};

use kernel::{ContentId, UserId};
use postgres::{Db, fault};
use schemas::engagement::Engagement;
use telemetry::timed;
use uuid::Uuid;

use crate::kinds::What;
use crate::{Error, store};

/// Reads counts. Apart from [`Service`](crate::Service), because content needs it and is needed by that one.
#[derive(Debug, Clone)]
pub struct Tally(Db);

impl Tally {
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self(db)
    }

    /// Counts of each of `contents`, and what `viewer` did with it, in one round trip. Whoever asks has made sure that the viewer
    /// may see them.
    pub async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Error> {
        if contents.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found = store::of(&self.0, viewer, contents).await?;
        for content in contents {
            found.entry(*content).or_default();
        }
        Ok(found)
    }

    /// Those of `contents` that `viewer` has seen, in one round trip.
    pub async fn viewed(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashSet<ContentId>, Error> {
        let ids: Vec<Uuid> = contents.iter().map(|content| content.uuid()).collect();
        let query = sqlx::query_scalar(
            "SELECT content FROM engagement_edges WHERE content = ANY($1) AND what = $2 AND actor = $3",
        )
        .bind(ids)
        .bind(What::View.number())
        .bind(viewer)
        .fetch_all(self.0.pool());
        let seen: HashSet<Uuid> =
            timed("postgres", "engagement.viewed", query).await.map_err(fault)?.into_iter().collect();
        Ok(contents.iter().filter(|content| seen.contains(&content.uuid())).copied().collect())
    }
}
