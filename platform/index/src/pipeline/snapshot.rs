//! Waiting for those who write while a table begins to be told of.

use std::time::Duration;

use postgres::{Db, StoreResult, fault};
use tokio::time::sleep;

/// Pause before looking again whether older transactions have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

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
        sleep(LOOK_AGAIN).await;
    }
}
