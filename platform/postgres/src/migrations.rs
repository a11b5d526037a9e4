//! The schema, embedded.

use std::borrow::Cow;

use kernel::StoreError;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _};

use crate::{StoreResult, fault};

/// Version, name and text of every migration, in order. Written by `build.rs`.
const FILES: &[(i64, &str, &str)] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFault {
    #[error(
        "the database was migrated by a newer Plaza (it knows migration {0}, this one does not); start that version"
    )]
    Newer(i64),
    #[error(
        "migration {0} was changed after it had been applied here; restore the file, and put the change in a new one"
    )]
    Changed(i64),
    #[error("migration {version} failed: {why}")]
    Failed { version: i64, why: StoreError },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The number of the newest migration that this build knows.
#[must_use]
pub fn newest() -> i64 {
    FILES.last().map_or(0, |(version, ..)| *version)
}

fn migrator() -> Migrator {
    let migrations = FILES.iter().map(|(version, name, sql)| {
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The number of the newest migration that was applied; `None` when there is no schema.
pub(crate) async fn applied(pool: &PgPool) -> StoreResult<Option<i64>> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(pool)
        .await
        .map_err(fault)?;
    if !exists {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(pool).await.map_err(fault)
}

pub(crate) async fn run(pool: &PgPool) -> Result<(), MigrateFault> {
    let mut connection = pool.acquire().await.map_err(fault)?.detach();
    // A migration may take its time; an ordinary statement may not.
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await.map_err(fault)?;
    migrator().run(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => MigrateFault::Newer(version),
        MigrateError::VersionMismatch(version) => MigrateFault::Changed(version),
        MigrateError::ExecuteMigration(why, version) => MigrateFault::Failed { version, why: fault(why) },
        MigrateError::Execute(why) => MigrateFault::Store(fault(why)),
        other => MigrateFault::Store(StoreError::broken(other)),
    })
}

/// Tells apart sets of migrations: the same digits for the same files.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for (version, name, sql) in FILES {
        hash.update(version.to_be_bytes());
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(sql.as_bytes());
        hash.update([0]);
    }
    hash.finalize()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}
