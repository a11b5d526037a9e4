//! Versions of the model: which one ranks, and which one only learns.

use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use postgres::{Db, StoreResult, fault};
use rank::{Model, Scorer, features};

use super::log::METRICS;

/// Examples that a model has to be judged by before it may serve.
pub const JUDGED_MIN: f64 = 1_000.0;
/// Versions that are kept.
pub const VERSIONS_KEPT: i64 = 5;

/// The newest version that fits this Plaza's features.
#[derive(Debug, Clone, Default)]
pub struct Current(Option<Arc<Version>>);

#[derive(Debug)]
struct Version {
    number: i64,
    model: Model,
    serves: bool,
}

impl Current {
    pub fn scorer(&self) -> Scorer<'_> {
        self.0.as_ref().filter(|version| version.serves).map_or(Scorer::Hand, |it| Scorer::Learned(&it.model))
    }

    /// The one that does not serve, once there are two.
    pub fn shadow(&self) -> Option<Scorer<'_>> {
        self.0.as_ref().map(|it| if it.serves { Scorer::Hand } else { Scorer::Learned(&it.model) })
    }

    /// Of the model that serves; 0 for the hand-weighted one.
    pub fn version(&self) -> i64 {
        self.0.as_ref().filter(|version| version.serves).map_or(0, |version| version.number)
    }
}

/// What pages are ranked by in this process; changed for the next page when a new version is there.
pub struct Models {
    db: Db,
    current: RwLock<Current>,
}

impl Models {
    #[must_use]
    pub fn new(db: Db) -> Arc<Self> {
        // Shown from the start, so that the first of each is seen as one.
        LazyLock::force(&METRICS);
        Arc::new(Self { db, current: RwLock::default() })
    }

    pub(crate) fn current(&self) -> Current {
        self.current.read().clone()
    }

    /// The version that pages are ranked by; 0 for the hand-weighted model.
    #[must_use]
    pub fn serving(&self) -> i64 {
        self.current().version()
    }

    /// Takes the newest version, if it is another than the one at hand. One that cannot be read leaves things as they are.
    pub async fn refresh(&self) -> StoreResult<()> {
        let at_hand = self.current().0.map_or(0, |version| version.number);
        let newest: Option<(i64, bool, Vec<u8>)> = sqlx::query_as(
            "SELECT version, serves, model FROM feed_models WHERE schema = $1 AND version > $2
             ORDER BY version DESC LIMIT 1",
        )
        .bind(features::schema().cast_signed())
        .bind(at_hand)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        let Some((number, serves, bytes)) = newest else { return Ok(()) };
        match Model::from_bytes(&bytes) {
            Ok(model) => *self.current.write() = Current(Some(Arc::new(Version { number, model, serves }))),
            Err(error) => {
                tracing::error!(version = number, %error, "a stored model cannot be read; the last one stays")
            }
        }
        METRICS.version.set(self.serving());
        Ok(())
    }
}
