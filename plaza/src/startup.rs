//! Opens the stores, starting what Plaza runs itself, and closes them again.

use std::path::{Path, PathBuf};

use kernel::{Secret, StoreError};
use postgres::embedded::{self, EmbeddedError};
use postgres::{Db, MigrateFault};

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
}

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
        Ok(stores) => Ok(Opened { stores, embedded, data }),
        Err(stopped) => {
            if let Some(server) = embedded {
                server.stop().await;
            }
            Err(stopped)
        }
    }
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
    Stores::new(db, redis, cassandra, config).await.map_err(|error| unreachable("Redis", "PLAZA_REDIS_URL", &error))
}

pub async fn connect_postgres(settings: &postgres::Settings) -> Result<Db, Stopped> {
    Db::connect(settings).await.map_err(|error| unreachable("PostgreSQL", "PLAZA_POSTGRES_URL", &error))
}

pub async fn connect_redis(url: &Secret) -> Result<redis::Redis, Stopped> {
    let settings = redis::Settings { url: url.clone() };
    redis::Redis::connect(&settings).await.map_err(|error| unreachable("Redis", "PLAZA_REDIS_URL", &error))
}

pub async fn connect_cassandra(settings: &cassandra::Settings) -> Result<cassandra::Db, Stopped> {
    cassandra::Db::connect(settings).await.map_err(|error| unreachable("Cassandra", "PLAZA_CASSANDRA_NODES", &error))
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
        self.stores.close().await;
        if let Some(server) = self.embedded {
            server.stop().await;
        }
        drop(self.data);
    }
}
