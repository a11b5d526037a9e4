//! Pages of which nothing that they need is in memory.
//!
//! What PostgreSQL has in its buffers is pushed out by a table of nothing. Cassandra writes what it holds to files whose blocks it
//! has not read yet; indexes and filters of them stay in its memory. And the operating system forgets the files of both,
//! which can be had only where they lie on this machine and may be read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::Db;
use rustix::fs::{Advice, fadvise, fdatasync};
use tokio::time::sleep;

use super::Failure;

/// Bytes of a row that fills buffers: seven to a page.
const ROW: i32 = 1_000;
const ROWS_A_PAGE: i64 = 7;
/// Times that a page is passed over before it is given up, and one more.
const SWEEPS: i64 = 6;
/// How often Cassandra is told to write what it holds, and how long it has for that.
const FLUSH_EVERY_MS: u64 = 1_000;
const FLUSH_WITHIN: Duration = Duration::from_secs(8);

pub struct Cold {
    db: Db,
    /// Where the servers keep what pages need.
    folders: Vec<PathBuf>,
    /// What only fills buffers.
    filling: PathBuf,
}

impl Cold {
    /// Makes as many pages of nothing as PostgreSQL has buffers, and half as many again, and has Cassandra write its files.
    pub async fn prepare(db: &Db, cassandra: Option<&cassandra::Db>) -> Result<Self, Failure> {
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_prewarm").execute(db.pool()).await?;
        let buffers: i64 = sqlx::query_scalar("SELECT setting::bigint FROM pg_settings WHERE name = 'shared_buffers'")
            .fetch_one(db.pool())
            .await?;
        sqlx::query("CREATE UNLOGGED TABLE nothing (filling text)").execute(db.pool()).await?;
        sqlx::query("INSERT INTO nothing SELECT repeat('-', $1) FROM generate_series(1, $2)")
            .bind(ROW)
            .bind(buffers * ROWS_A_PAGE * 3 / 2)
            .execute(db.pool())
            .await?;
        let (folder, filling): (String, String) =
            sqlx::query_as("SELECT current_setting('data_directory'), pg_relation_filepath('nothing')")
                .fetch_one(db.pool())
                .await?;
        let filling = Path::new(&folder).join(filling);
        let mut folders: Vec<PathBuf> = filling.parent().map(Path::to_owned).into_iter().collect();
        if let Some(cassandra) = cassandra {
            flush(cassandra).await?;
            folders.extend(timelines_of(cassandra).await?);
        }
        Ok(Self { db: db.clone(), folders, filling })
    }

    /// Fills the buffers until everything else has left them, and lets the operating system forget the files. Whether it did.
    pub async fn chill(&self) -> Result<bool, Failure> {
        for _ in 0..SWEEPS * 2 / 3 {
            sqlx::query("SELECT pg_prewarm('nothing')").execute(self.db.pool()).await?;
        }
        sqlx::query("CHECKPOINT").execute(self.db.pool()).await?;
        let (folders, filling) = (self.folders.clone(), self.filling.clone());
        let forgotten = tokio::task::spawn_blocking(move || folders.iter().try_for_each(|it| forget(it, &filling)));
        Ok(forgotten.await?.is_ok())
    }
}

/// Drops what the operating system keeps of the files of a folder, but for one.
fn forget(folder: &Path, but_for: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() || entry.path() == but_for {
            continue;
        }
        match File::open(entry.path()) {
            Ok(file) => {
                // What is not on the disk yet cannot be dropped.
                fdatasync(&file)?;
                fadvise(&file, 0, None, Advice::DontNeed)?;
            }
            // Replaced meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Has timelines written into files.
async fn flush(cassandra: &cassandra::Db) -> Result<(), Failure> {
    for every_ms in [FLUSH_EVERY_MS, 0] {
        let often = format!("ALTER TABLE timelines WITH memtable_flush_period_in_ms = {every_ms}");
        cassandra.write(&cassandra.prepare(&often).await?, ()).await?;
        if every_ms > 0 {
            sleep(FLUSH_WITHIN).await;
        }
    }
    Ok(())
}

/// The folders of the table.
async fn timelines_of(cassandra: &cassandra::Db) -> Result<Vec<PathBuf>, Failure> {
    let asked = "SELECT value FROM system_views.settings WHERE name = 'data_file_directories'";
    let found = cassandra.read::<(String,)>(&cassandra.prepare(asked).await?, ()).await?;
    let all = found.first().map_or("", |(value,)| value.as_str()).trim_matches(['[', ']']);
    let mut folders = Vec::new();
    for folder in all.split(", ").filter(|folder| !folder.is_empty()) {
        let Ok(tables) = fs::read_dir(Path::new(folder).join(cassandra.keyspace())) else {
            // On another machine: there is a folder that cannot be read, and it is said that nothing was forgotten.
            folders.push(PathBuf::from(folder));
            continue;
        };
        for table in tables {
            let table = table?;
            if table.file_name().to_string_lossy().starts_with("timelines-") {
                folders.push(table.path());
            }
        }
    }
    Ok(folders)
}
