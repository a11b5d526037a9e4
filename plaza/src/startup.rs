//! Opens the stores, starting what Plaza runs itself, and closes them again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use blobs::{Blobs, OpenError};
use index::engine::opensearch::OpenSearch;
use kernel::{Secret, StoreError};
use postgres::embedded::{self, EmbeddedError};
use postgres::{Db, MigrateFault};

use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::exit::{Exit, Stopped};
use crate::progress;
use crate::wiring::Stores;

/// Everything that was opened, in the order in which it is closed.
pub struct Opened {
    pub stores: Stores,
    pub embedded: Option<embedded::Server>,
    pub data: Option<DataDir>,
    /// The promise that no other Plaza works on the same server, where there must be none.
    alone: Option<postgres::Sole>,
}

/// Names the lock of a Plaza that must be alone: `plaza` in ASCII.
const ALONE: i64 = 0x70_6c61_7a61;
/// Longest wait for a predecessor that is about to stop. It has as long to drain unless told otherwise.
const ALONE_WAIT_MAX: Duration = Duration::from_secs(30);
const ALONE_POLL: Duration = Duration::from_millis(200);

/// Opens every store that `config` names, and runs a PostgreSQL if it names none.
pub async fn open(config: &Config) -> Result<Opened, Stopped> {
    let mut settings = config.postgres.clone();
    let (mut data, mut embedded) = (None, None);
    if settings.url.is_none() {
        let folder = open_data_dir(config)?;
        let server = start_embedded(config, &folder).await?;
        settings.url = Some(server.url().clone());
        (data, embedded) = (Some(folder), Some(server));
    }
    let opened = connect(config, &settings).await;
    match opened {
        Ok(stores) => Ok(Opened { stores, embedded, data, alone: None }),
        Err(stopped) => {
            if let Some(server) = embedded {
                server.stop().await;
            }
            Err(stopped)
        }
    }
}

/// Like [`open`], beside a Plaza that is up: what that one runs is used.
pub async fn attach(config: &Config) -> Result<Opened, Stopped> {
    let running = match &config.postgres.url {
        Some(_) => None,
        None => embedded::running(&data_path(config)?.join("postgres")),
    };
    let Some(url) = running else { return Box::pin(open(config)).await };
    if config.redis.url.is_none() && !config.cassandra.nodes.is_empty() {
        // Both would give out the same sequence numbers.
        let message =
            "A Plaza is up on this data folder. With Cassandra and without Redis it has to be alone: stop it first.";
        return Err(Stopped::new(Exit::InUse, message));
    }
    let settings = postgres::Settings { url: Some(url), ..config.postgres.clone() };
    Ok(Opened { stores: connect(config, &settings).await?, embedded: None, data: None, alone: None })
}

async fn connect(config: &Config, settings: &postgres::Settings) -> Result<Stores, Stopped> {
    let db = connect_postgres(settings).await?;
    let redis = match &config.redis.url {
        None => None,
        Some(url) => Some(connect_redis(url).await?),
    };
    let cassandra = match config.cassandra.nodes.as_slice() {
        [] => None,
        _ => Some(connect_cassandra(&config.cassandra).await?),
    };
    let opensearch = match &config.opensearch.url {
        None => None,
        Some(_) => Some(opensearch(&config.opensearch)?),
    };
    let blobs = open_blobs(config)?;
    Stores::new(db, redis, cassandra, opensearch, blobs, config)
        .await
        .map_err(|error| unreachable("Redis", "PLAZA_REDIS_URL", &error))
}

pub async fn connect_postgres(settings: &postgres::Settings) -> Result<Db, Stopped> {
    Db::connect(settings).await.map_err(|error| unreachable("PostgreSQL", "PLAZA_POSTGRES_URL", &error))
}

/// Whether PostgreSQL can tell its changes. Without that, nothing that follows from a change would ever happen.
pub async fn change_stream(db: &Db) -> Result<(), Stopped> {
    match cdc::slot::obstacle(db).await {
        Ok(None) => Ok(()),
        Ok(Some(obstacle)) => {
            Err(Stopped::new(Exit::StoreUnavailable, format_args!("PostgreSQL cannot be used yet: {obstacle}.")))
        }
        Err(error) => Err(unreachable("PostgreSQL", "PLAZA_POSTGRES_URL", &error)),
    }
}

pub async fn connect_redis(url: &Secret) -> Result<redis::Redis, Stopped> {
    let settings = redis::Settings { url: url.clone() };
    redis::Redis::connect(&settings).await.map_err(|error| unreachable("Redis", "PLAZA_REDIS_URL", &error))
}

pub async fn connect_cassandra(settings: &cassandra::Settings) -> Result<cassandra::Db, Stopped> {
    cassandra::Db::connect(settings).await.map_err(|error| unreachable("Cassandra", "PLAZA_CASSANDRA_NODES", &error))
}

/// Asks for nothing yet: what is kept in OpenSearch can be done without for a while.
pub fn opensearch(settings: &index::engine::opensearch::Settings) -> Result<OpenSearch, Stopped> {
    OpenSearch::new(settings)
        .map_err(|error| Stopped::new(Exit::Config, format_args!("PLAZA_OPENSEARCH_URL cannot be used: {error}.")))
}

/// Asks an object store nothing yet: uploads can be done without for a while.
pub fn open_blobs(config: &Config) -> Result<Blobs, Stopped> {
    Blobs::open(&config.blobs, &blobs_folder(config)?).map_err(|error| {
        let exit = if matches!(error, OpenError::Folder { .. }) { Exit::DataFolder } else { Exit::Config };
        Stopped::new(exit, format_args!("Uploaded files have no place: {error}."))
    })
}

/// Where uploaded files are, unless `blobs.url` names another place.
pub fn blobs_folder(config: &Config) -> Result<PathBuf, Stopped> {
    // Named already, it needs no data folder.
    if config.blobs.is_local() { Ok(data_path(config)?.join("blobs")) } else { Ok(PathBuf::new()) }
}

fn unreachable(store: &str, setting: &str, error: &StoreError) -> Stopped {
    Stopped::new(
        Exit::StoreUnavailable,
        format_args!(
            "{store} cannot be used: {error}. It is the one that {setting} names; `plaza check` looks at every store."
        ),
    )
}

/// The data folder of `config`, locked.
pub fn open_data_dir(config: &Config) -> Result<DataDir, Stopped> {
    DataDir::open(&data_path(config)?)
}

/// Where the data folder is, or would be.
pub fn data_path(config: &Config) -> Result<PathBuf, Stopped> {
    let default = || data_dir::default_path(|name| std::env::var(name).ok());
    config.data_dir.clone().or_else(default).ok_or_else(|| {
        Stopped::new(
            Exit::Config,
            "There is no home folder to keep data in (HOME is not set). Name a folder with --data-dir.",
        )
    })
}

async fn start_embedded(config: &Config, folder: &DataDir) -> Result<embedded::Server, Stopped> {
    let options = config.postgres.embedded();
    let started = embedded::Server::start(&folder.postgres(), &options, &progress::lines()).await;
    started.map_err(|error| not_started(folder.path(), error))
}

pub fn not_started(folder: &Path, error: EmbeddedError) -> Stopped {
    let exit = match &error {
        EmbeddedError::BadPrograms { .. } | EmbeddedError::UnknownUser(_) => Exit::Config,
        EmbeddedError::NoPrograms { .. } => Exit::NoPostgres,
        EmbeddedError::OtherMajor { .. } => Exit::DataFormat,
        EmbeddedError::Unreachable { .. } => Exit::DataFolder,
        EmbeddedError::DiskFull { .. } => Exit::Disk,
        EmbeddedError::Io { source, .. } => {
            return Stopped { message: error.to_string(), ..data_dir::unusable(folder, source) };
        }
        EmbeddedError::Stubborn { .. } | EmbeddedError::Failed { .. } | EmbeddedError::Store(_) => {
            Exit::StoreUnavailable
        }
    };
    Stopped::new(exit, error)
}

impl Opened {
    /// Without Redis, live events, limits and (with Cassandra) sequence numbers are in this process: a second one on the
    /// same server would be deaf to it. A data folder has a lock of its own.
    pub async fn be_alone(&mut self, config: &Config) -> Result<(), Stopped> {
        if config.redis.url.is_some() || self.data.is_some() {
            return Ok(());
        }
        let taken = async {
            loop {
                match self.stores.db.sole(ALONE).await {
                    Ok(None) => sleep(ALONE_POLL).await,
                    Ok(Some(alone)) => return Ok(alone),
                    Err(error) => return Err(unreachable("PostgreSQL", "PLAZA_POSTGRES_URL", &error)),
                }
            }
        };
        let lines = progress::lines();
        let state = || "Waiting for another Plaza on this database to stop".to_owned();
        self.alone = Some(lines.during(state, timeout(ALONE_WAIT_MAX, taken)).await.unwrap_or_else(|_| {
            let message = "Another Plaza works on the PostgreSQL that PLAZA_POSTGRES_URL names. Several processes need a \
                           Redis to hear of each other: set PLAZA_REDIS_URL for all of them, or stop the other one.";
            Err(Stopped::new(Exit::InUse, message))
        })?);
        Ok(())
    }

    /// Brings the schemas up to date.
    pub async fn migrate(&self) -> Result<(), Stopped> {
        let lines = progress::lines();
        let migrated =
            lines.during(|| "Bringing the database's schema up to date".to_owned(), self.stores.db.migrate());
        migrated.await.map_err(|fault| {
            let exit = if matches!(fault, MigrateFault::Newer(_)) { Exit::DataFormat } else { Exit::Migration };
            Stopped::new(exit, format_args!("PostgreSQL: {fault}."))
        })?;
        if let Some(cassandra) = &self.stores.cassandra {
            let migrated = lines.during(|| "Bringing Cassandra's schema up to date".to_owned(), cassandra.migrate());
            migrated.await.map_err(|fault| Stopped::new(Exit::Migration, format_args!("Cassandra: {fault}.")))?;
        }
        Ok(())
    }

    /// Closes connections, then stops what was started, then lets go of the data folder.
    pub async fn close(self) {
        drop(self.alone);
        self.stores.close().await;
        if let Some(server) = self.embedded {
            server.stop().await;
        }
        drop(self.data);
    }
}
