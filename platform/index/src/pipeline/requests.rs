//! What others ask of whoever writes the index.

use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;

use crate::Kind;

/// Has a kind built anew, by whichever process writes the index.
pub async fn request(db: &Db, consumer: &str, kind: Kind) -> StoreResult<()> {
    sqlx::query("INSERT INTO search_requests (consumer, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(consumer)
        .bind(kind.name())
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(fault)
}

/// Kinds that were requested and have not been begun.
pub async fn requested(db: &Db, consumer: &str) -> StoreResult<Vec<String>> {
    sqlx::query_scalar("SELECT kind FROM search_requests WHERE consumer = $1 ORDER BY requested_at")
        .bind(consumer)
        .fetch_all(db.pool())
        .await
        .map_err(fault)
}

/// Forgets a request whose build has begun.
pub(crate) async fn begun(at: &mut PgConnection, consumer: &str, kind: &str) -> StoreResult<()> {
    sqlx::query("DELETE FROM search_requests WHERE consumer = $1 AND kind = $2")
        .bind(consumer)
        .bind(kind)
        .execute(at)
        .await
        .map(drop)
        .map_err(fault)
}
