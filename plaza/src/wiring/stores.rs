//! The stores, as configured.

use std::sync::Arc;

use blobs::{BlobError, Blobs};
use index::Engine as _;
use index::engine::opensearch::OpenSearch;
use kernel::StoreError;
use live::bus::{Bus, LocalBus, RedisBus, Window};
use live::limiter::{Limiter, Local, OverRedis};
use postgres::Db;

use crate::config::Config;
use crate::health::Probe;

/// What the slices are built on. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    pub db: Db,
    pub redis: Option<redis::Redis>,
    pub cassandra: Option<cassandra::Db>,
    pub opensearch: Option<Arc<OpenSearch>>,
    pub blobs: Blobs,
    pub bus: Arc<dyn Bus>,
    pub limiter: Arc<dyn Limiter>,
}

impl Stores {
    /// Fails when the subscriber of the live bus cannot connect.
    pub async fn new(
        db: Db,
        redis: Option<redis::Redis>,
        cassandra: Option<cassandra::Db>,
        opensearch: Option<OpenSearch>,
        blobs: Blobs,
        config: &Config,
    ) -> redis::StoreResult<Self> {
        let bus: Arc<dyn Bus> = match &redis {
            None => Arc::new(LocalBus::new(Window::default())),
            Some(redis) => {
                let prefix = config.redis.prefix.clone();
                Arc::new(RedisBus::connect(redis.clone(), prefix, Window::default()).await?)
            }
        };
        let limiter: Arc<dyn Limiter> = match &redis {
            None => Arc::new(Local::new()),
            Some(redis) => Arc::new(OverRedis::new(redis.clone(), config.redis.prefix.clone())),
        };
        Ok(Self { db, redis, cassandra, opensearch: opensearch.map(Arc::new), blobs, bus, limiter })
    }

    /// How to ask each of them whether it is there.
    pub fn probes(&self) -> Vec<Probe> {
        let db = self.db.clone();
        let mut probes = vec![Probe::new("postgres", true, move || {
            let db = db.clone();
            async move { db.ping().await }
        })];
        if let Some(cassandra) = self.cassandra.clone() {
            probes.push(Probe::new("cassandra", true, move || {
                let cassandra = cassandra.clone();
                async move { cassandra.ping().await }
            }));
        }
        // Without Redis, live delivery waits; requests and stored messages do not.
        if let Some(redis) = self.redis.clone() {
            probes.push(Probe::new("redis", false, move || {
                let redis = redis.clone();
                async move { redis.health().await }
            }));
        }
        // Without OpenSearch nothing is found; everything else goes on.
        if let Some(opensearch) = self.opensearch.clone() {
            probes.push(Probe::new("opensearch", false, move || {
                let opensearch = opensearch.clone();
                async move { opensearch.probe().await.map_err(StoreError::unavailable) }
            }));
        }
        // Without its blobs Plaza shows no pictures and takes none; everything else goes on.
        let blobs = self.blobs.clone();
        probes.push(Probe::new("blobs", false, move || {
            let blobs = blobs.clone();
            async move {
                blobs.probe().await.map_err(|error| match error {
                    BlobError::Store(error) => error,
                    other => StoreError::broken(other),
                })
            }
        }));
        probes
    }

    pub async fn close(&self) {
        if let Some(redis) = &self.redis {
            redis.close().await;
        }
        self.db.close().await;
    }
}
