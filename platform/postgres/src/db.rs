//! The connection pool.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::Secret;
use parking_lot::Mutex;
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool, Postgres, Transaction};

use crate::{MigrateFault, StoreResult, embedded, fault, migrations};

/// A connection that nobody used for so long is asked for a sign of life before it is used again; so is one that lay idle when
/// another was made, since that may be because the server was restarted.
const ASKED_AFTER: Duration = Duration::from_millis(100);

/// How to reach PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`. Absent: Plaza runs a server of its own.
    pub url: Option<Secret>,
    /// Most connections that one process opens.
    pub connections_max: u32,
    /// Longest wait for a free connection, in milliseconds.
    pub acquire_ms_max: u64,
    /// Longest time that one statement may run, in milliseconds.
    pub statement_ms_max: u64,
    /// The embedded server: folder of PostgreSQL's programs, in place of those that are found.
    pub bin: Option<PathBuf>,
    /// The embedded server: whom it runs as when Plaza is root (a name, or `uid:gid`); `nobody` unless told.
    pub user: Option<String>,
    /// The embedded server: a mirror of Maven Central to fetch PostgreSQL from when the machine has none.
    pub download_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            connections_max: 24,
            acquire_ms_max: 5_000,
            statement_ms_max: 15_000,
            bin: None,
            user: None,
            download_url: None,
        }
    }
}

impl Settings {
    /// What concerns the server that Plaza runs when `url` is not set.
    #[must_use]
    pub fn embedded(&self) -> embedded::Options {
        embedded::Options { bin: self.bin.clone(), user: self.user.clone(), download_url: self.download_url.clone() }
    }
}

/// A PostgreSQL database. Cheap to clone: all clones share one pool.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Opens the pool and one connection, so that a wrong address or password shows here.
    pub async fn connect(settings: &Settings) -> StoreResult<Self> {
        let url = settings.url.as_ref().ok_or_else(|| kernel::StoreError::unavailable("no PostgreSQL URL is set"))?;
        let options = PgConnectOptions::from_str(url.expose()).map_err(fault)?;
        Self::open(options, settings).await
    }

    async fn open(options: PgConnectOptions, settings: &Settings) -> StoreResult<Self> {
        let options = options.application_name("plaza").options([
            ("statement_timeout", settings.statement_ms_max.to_string()),
            // A transaction whose client hangs must not hold its locks for long.
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS_MAX.to_string()),
            ("timezone", "UTC".to_owned()),
        ]);
        let newest = Arc::new(Mutex::new(Instant::now()));
        let made = Arc::clone(&newest);
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections_max)
            .acquire_timeout(Duration::from_millis(settings.acquire_ms_max))
            // The pool would ask each connection for a sign of life before each use: a second round trip for every query.
            .test_before_acquire(false)
            .after_connect(move |_, _| {
                *made.lock() = Instant::now();
                Box::pin(async { Ok(()) })
            })
            .before_acquire(move |connection, used| {
                let is_doubtful = used.idle_for >= ASKED_AFTER || newest.lock().elapsed() < used.idle_for;
                Box::pin(async move {
                    if is_doubtful {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(fault)?;
        observe(&pool);
        Ok(Self { pool })
    }

    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Starts a transaction. It is rolled back when dropped without a commit.
    pub async fn begin(&self) -> StoreResult<Transaction<'static, Postgres>> {
        self.pool.begin().await.map_err(fault)
    }

    /// Applies the migrations that are missing. Safe to call from several nodes at once.
    pub async fn migrate(&self) -> Result<(), MigrateFault> {
        migrations::run(&self.pool).await
    }

    /// Whether the server answers.
    pub async fn ping(&self) -> StoreResult<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(drop).map_err(fault)
    }

    /// The server's version as it calls it, `15.18`.
    pub async fn server_version(&self) -> StoreResult<String> {
        let text: String = sqlx::query_scalar("SHOW server_version").fetch_one(&self.pool).await.map_err(fault)?;
        Ok(text.split_whitespace().next().unwrap_or_default().to_owned())
    }

    /// The number of the newest migration that was applied; `None` when there is no schema.
    pub async fn schema_version(&self) -> StoreResult<Option<i64>> {
        migrations::applied(&self.pool).await
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Shows the pool of this process.
fn observe(pool: &PgPool) {
    let (open, idle) = (pool.clone(), pool.clone());
    telemetry::gauge_fn("plaza_postgres_connections", "Connections to PostgreSQL that are open", move || {
        Some(f64::from(open.size()))
    });
    telemetry::gauge_fn("plaza_postgres_connections_idle", "Of these, those that nobody uses", move || {
        Some(idle.num_idle() as f64)
    });
}

/// Longest time that a transaction may wait for its client, in milliseconds. The outbox reader waits for consumers
/// inside one; its own limit lies below this.
const IDLE_IN_TRANSACTION_MS_MAX: u64 = 90_000;
