//! Settings: defaults, then the file, then the environment, then flags.
//!
//! Every setting is a field of [`Config`], found by its path (`postgres.url`). The struct is the only list of them:
//! the names of environment variables, and the complaint about an unknown one, are derived from it.

mod keys;
mod layers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::ValueEnum;
use kernel::Secret;
use serde::Deserialize;

use crate::exit::{Exit, Stopped};

pub use layers::load;

/// More would be a slip of the finger.
const THREADS_MAX: usize = 1_024;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where REST and the WebSocket are served.
    pub listen: SocketAddr,
    /// Where `/metrics` is served, and nowhere else. Absent: where everything is.
    pub metrics_listen: Option<SocketAddr>,
    /// Where Plaza keeps what it must not lose. See [`crate::data_dir`] for the default.
    pub data_dir: Option<PathBuf>,
    /// What this process does.
    pub roles: Vec<Role>,
    /// Threads that serve sockets and requests and run background tasks. A core fewer than the process may use, at least one:
    /// the stores beside it, the kernel and what has threads of its own (passwords, pictures, the embedded index) need cores
    /// too. With all stores elsewhere, a thread a core serves more.
    pub threads: usize,
    pub http: Http,
    pub web: web::Settings,
    pub log: telemetry::Settings,
    pub postgres: postgres::Settings,
    pub cdc: cdc::Settings,
    pub cassandra: cassandra::Settings,
    pub redis: Redis,
    pub opensearch: index::engine::opensearch::Settings,
    pub blobs: blobs::Settings,
    pub accounts: accounts::Settings,
    pub gateway: gateway::Settings,
    pub feed: feed::Settings,
    pub media: media::Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: None,
            data_dir: None,
            roles: vec![Role::Gateway, Role::Api, Role::Worker],
            threads: available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1)),
            http: Http::default(),
            web: web::Settings::default(),
            log: telemetry::Settings::default(),
            postgres: postgres::Settings::default(),
            cdc: cdc::Settings::default(),
            cassandra: cassandra::Settings::default(),
            redis: Redis::default(),
            opensearch: index::engine::opensearch::Settings::default(),
            blobs: blobs::Settings::default(),
            accounts: accounts::Settings::default(),
            gateway: gateway::Settings::default(),
            feed: feed::Settings::default(),
            media: media::Settings::default(),
        }
    }
}

/// A part of Plaza that may run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The WebSocket at /v1/socket.
    Gateway,
    /// REST under /v1.
    Api,
    /// Background work: fan-out of posts, sweeps.
    Worker,
}

/// The listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Most connections that speak HTTP at once; sockets that were upgraded no longer count. More wait to be accepted.
    pub connections_max: usize,
    /// Longest time for a request's head to arrive, in milliseconds; also how long a connection may lie idle.
    pub head_ms_max: u64,
    /// Longest time from the first signal to the end, in milliseconds.
    pub drain_ms_max: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self { connections_max: 16_384, head_ms_max: 30_000, drain_ms_max: 25_000 }
    }
}

/// The live bus and whatever else all nodes share in memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://`, `rediss://`, `redis-cluster://` or `redis-sentinel://`. Absent: all of it lives in this process.
    pub url: Option<Secret>,
    /// Begins every key, so that several Plazas may share a Redis.
    pub prefix: String,
}

impl Default for Redis {
    fn default() -> Self {
        Self { url: None, prefix: "plaza:".to_owned() }
    }
}

impl Config {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub fn role_names(&self) -> String {
        let names = self.roles.iter().map(|role| format!("{role:?}").to_lowercase());
        names.collect::<Vec<_>>().join(", ")
    }

    /// What no single value shows: contradictions between settings.
    fn validate(&self) -> Result<(), Stopped> {
        let wrong = |message: &str| Err(Stopped::new(Exit::Config, message));
        if self.roles.is_empty() {
            return wrong("roles is empty: name at least one of gateway, api, worker, or leave it out for all.");
        }
        let all = [Role::Gateway, Role::Api, Role::Worker].into_iter().all(|role| self.has(role));
        if !all && (self.postgres.url.is_none() || self.redis.url.is_none()) {
            return wrong(
                "A Plaza that is split by role needs stores that its processes can share: set PLAZA_POSTGRES_URL and \
                 PLAZA_REDIS_URL. The embedded PostgreSQL and the in-process bus serve one process only.",
            );
        }
        if !(1..=THREADS_MAX).contains(&self.threads) {
            return Err(Stopped::new(Exit::Config, format_args!("threads: expected 1 to {THREADS_MAX}.")));
        }
        if self.http.connections_max == 0 || self.postgres.connections_max == 0 {
            return wrong("http.connections_max and postgres.connections_max must be at least 1.");
        }
        self.opensearch.validate().map_err(|why| Stopped::new(Exit::Config, format_args!("opensearch: {why}.")))?;
        self.blobs.validate().map_err(|why| Stopped::new(Exit::Config, format_args!("blobs: {why}.")))?;
        self.media.validate().map_err(|why| Stopped::new(Exit::Config, format_args!("media: {why}.")))?;
        self.accounts.validate().map_err(|why| Stopped::new(Exit::Config, format_args!("accounts: {why}.")))
    }
}
