//! Something that only one process may do at a time.

use std::time::Duration;

use kernel::StoreError;
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Db, StoreResult, fault};

/// How often it is looked whether the lock is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A lock in the database, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Sole {
    _ends: DropGuard,
}

impl Db {
    /// Takes the lock called `key`, unless another process has it. It hangs on a connection of its own, which is made again
    /// when it breaks: a server that restarts is no reason to stop.
    pub async fn sole(&self, key: i64) -> StoreResult<Option<Sole>> {
        let Some(connection) = take(self, key).await? else { return Ok(None) };
        let stop = CancellationToken::new();
        let (db, stopped) = (self.clone(), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(hold(db, key, connection)).await });
        Ok(Some(Sole { _ends: stop.drop_guard() }))
    }
}

async fn take(db: &Db, key: i64) -> Result<Option<PgConnection>, StoreError> {
    let mut connection = db.pool().acquire().await.map_err(fault)?.detach();
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(key)
        .fetch_one(&mut connection)
        .await
        .map_err(fault)?;
    if taken {
        return Ok(Some(connection));
    }
    connection.close().await.map_err(fault)?;
    Ok(None)
}

async fn hold(db: Db, key: i64, mut connection: PgConnection) {
    loop {
        sleep(LOOK_EVERY).await;
        if connection.ping().await.is_ok() {
            continue;
        }
        match take(&db, key).await {
            Ok(Some(again)) => connection = again,
            Ok(None) => tracing::error!("another process took a lock that this one had lost; one of the two has to go"),
            Err(error) => tracing::debug!(%error, "a lock was lost with its connection, and is taken again"),
        }
    }
}
