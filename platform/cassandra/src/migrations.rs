//! The tables, embedded.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::StoreError;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use crate::db::{Db, SCHEMA_TIMEOUT};
use crate::{StoreResult, fault};

/// One file of statements.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub version: i32,
    pub name: &'static str,
    /// Statements, each ended by a semicolon at the end of a line, each one that can be repeated.
    pub cql: &'static str,
}

/// Every migration, in order. Written by `build.rs`.
pub(crate) const FILES: &[Migration] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// How long a process that died keeps the lock, in seconds; longer than one statement takes.
const LOCK_S: i32 = 60;
const _: () = assert!(SCHEMA_TIMEOUT.as_secs() < LOCK_S as u64);
/// Longest wait for another process that migrates.
const WAIT_MAX: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(200);

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFault {
    #[error(
        "the keyspace was migrated by a newer Plaza (it knows migration {0}, this one does not); start that version"
    )]
    Newer(i32),
    #[error(
        "migration {0} was changed after it had been applied here; restore the file, and put the change in a new one"
    )]
    Changed(i32),
    #[error("migration {version} failed: {why}")]
    Failed { version: i32, why: StoreError },
    #[error("another process has been migrating this keyspace for too long")]
    Locked,
    #[error("another process took the migration over from this one; start again")]
    LockLost,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The number of the newest migration that this build knows.
#[must_use]
pub fn newest() -> i32 {
    FILES.last().map_or(0, |migration| migration.version)
}

pub(crate) async fn run(db: &Db, migrations: &[Migration]) -> Result<(), MigrateFault> {
    db.run("CREATE TABLE IF NOT EXISTS schema_migrations (scope text, version int, name text, checksum text, PRIMARY KEY (scope, version))")
        .await?;
    if missing(db, migrations).await?.is_empty() {
        return Ok(());
    }
    db.run("CREATE TABLE IF NOT EXISTS schema_lock (scope text PRIMARY KEY, owner uuid)").await?;
    let lock = Lock::take(db).await?;
    let outcome = apply(db, migrations, &lock).await;
    lock.release().await;
    outcome
}

async fn apply(db: &Db, migrations: &[Migration], lock: &Lock<'_>) -> Result<(), MigrateFault> {
    // Asked again: another process may have finished while this one waited for the lock.
    for migration in missing(db, migrations).await? {
        tracing::info!(version = migration.version, name = migration.name, "migrating cassandra");
        for statement in statements(migration.cql) {
            lock.renew().await?;
            db.run(&statement).await.map_err(|why| MigrateFault::Failed { version: migration.version, why })?;
        }
        db.run_if(
            "INSERT INTO schema_migrations (scope, version, name, checksum) VALUES ('plaza', ?, ?, ?) IF NOT EXISTS",
            (migration.version, migration.name, checksum(migration.cql)),
        )
        .await?;
    }
    Ok(())
}

/// The migrations that are not applied yet, after a look at those that are.
async fn missing<'m>(db: &Db, migrations: &'m [Migration]) -> Result<Vec<&'m Migration>, MigrateFault> {
    let mut applied = applied(db).await?;
    let mut missing = Vec::new();
    for migration in migrations {
        match applied.remove(&migration.version) {
            None => missing.push(migration),
            Some(sum) if sum == checksum(migration.cql) => {}
            Some(_) => return Err(MigrateFault::Changed(migration.version)),
        }
    }
    match applied.into_keys().next() {
        Some(unknown) => Err(MigrateFault::Newer(unknown)),
        None => Ok(missing),
    }
}

async fn applied(db: &Db) -> StoreResult<BTreeMap<i32, String>> {
    let result = db
        .session()
        .query_unpaged("SELECT version, checksum FROM schema_migrations WHERE scope = 'plaza'", ())
        .await
        .map_err(fault::read)?;
    let result = result.into_rows_result().map_err(StoreError::broken)?;
    let rows = result.rows::<(i32, String)>().map_err(StoreError::broken)?;
    rows.map(|row| row.map_err(StoreError::broken)).collect()
}

fn checksum(cql: &str) -> String {
    Sha256::digest(cql).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Tells apart sets of migrations: the same digits for the same files.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> String {
    let all: String =
        FILES.iter().map(|migration| format!("{} {}\n", migration.version, checksum(migration.cql))).collect();
    checksum(&all)[..12].to_owned()
}

/// The statements of a file, without its comments.
fn statements(cql: &str) -> Vec<String> {
    let code: String = cql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect();
    code.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// The right to make tables: one row, given by a condition, that goes away by itself.
struct Lock<'a> {
    db: &'a Db,
    owner: Uuid,
}

impl<'a> Lock<'a> {
    async fn take(db: &'a Db) -> Result<Self, MigrateFault> {
        let owner = Uuid::now_v7();
        let deadline = Instant::now() + WAIT_MAX;
        let cql =
            format!("INSERT INTO schema_lock (scope, owner) VALUES ('plaza', ?) IF NOT EXISTS USING TTL {LOCK_S}");
        while !db.run_if(&cql, (owner,)).await? {
            if Instant::now() >= deadline {
                return Err(MigrateFault::Locked);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(Self { db, owner })
    }

    async fn renew(&self) -> Result<(), MigrateFault> {
        let cql = format!("UPDATE schema_lock USING TTL {LOCK_S} SET owner = ? WHERE scope = 'plaza' IF owner = ?");
        if self.db.run_if(&cql, (self.owner, self.owner)).await? { Ok(()) } else { Err(MigrateFault::LockLost) }
    }

    /// A lock that cannot be given back goes away by itself.
    async fn release(self) {
        let cql = "DELETE FROM schema_lock WHERE scope = 'plaza' IF owner = ?";
        if let Err(error) = self.db.run_if(cql, (self.owner,)).await {
            tracing::warn!(%error, "the migration lock stays until it expires");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_falls_into_statements() {
        let cql = "-- why; it is so\nCREATE TABLE a (\n  b int PRIMARY KEY);\n\nCREATE TABLE c (d text PRIMARY KEY);\n";
        assert_eq!(statements(cql), ["CREATE TABLE a (\n  b int PRIMARY KEY)", "CREATE TABLE c (d text PRIMARY KEY)"]);
    }

    #[test]
    fn every_embedded_statement_can_be_repeated() {
        for migration in FILES {
            for statement in statements(migration.cql) {
                assert!(statement.contains("IF NOT EXISTS") || statement.contains("IF EXISTS"), "{statement}");
            }
        }
        assert!(FILES.is_sorted_by_key(|migration| migration.version));
    }
}
