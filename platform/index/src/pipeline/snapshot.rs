//! Reading tables at a moment that the change stream has not passed.

use std::time::Duration;

use cdc::Snapshot;
use kernel::StoreError;
use postgres::{Db, StoreResult, fault};
use sqlx::{Postgres, Transaction};
use tokio::time::{Instant, sleep};

/// Pause before looking again whether a commit has become visible.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Longest that a commit which the stream has shown may stay invisible. With synchronous replication it is the time that
/// a standby takes to answer.
const VISIBLE_MAX: Duration = Duration::from_secs(10);
/// Pause before looking again whether older transactions have ended.
const OLDER_LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A transaction that reads all tables as of one moment, at which all of `xids` are committed.
///
/// The stream may show a commit before other sessions do. What is read in between must not get that commit's version.
pub(crate) async fn reading(db: &Db, xids: &[u32]) -> StoreResult<Transaction<'static, Postgres>> {
    let give_up = Instant::now() + VISIBLE_MAX;
    loop {
        let begun = db.pool().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
        let mut tx = begun.map_err(fault)?;
        if xids.is_empty() || Snapshot::of(&mut tx).await?.sees_all(xids) {
            return Ok(tx);
        }
        tx.rollback().await.map_err(fault)?;
        if Instant::now() > give_up {
            return Err(StoreError::unavailable("a commit of the change stream does not become visible"));
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Waits until every writing transaction that runs now has ended. A transaction that wrote to a table before the stream
/// told of that table is never told.
pub(crate) async fn outlast_running(db: &Db) -> StoreResult<()> {
    let bound: String = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        .fetch_one(db.pool())
        .await
        .map_err(fault)?;
    loop {
        let over: bool = sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8")
            .bind(&bound)
            .fetch_one(db.pool())
            .await
            .map_err(fault)?;
        if over {
            return Ok(());
        }
        sleep(OLDER_LOOK_AGAIN).await;
    }
}
