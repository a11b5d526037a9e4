//! Documents that could not be indexed.

use kernel::Timestamp;
use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;

use super::{Mappings, marks};
use crate::Kind;

/// Bytes of a reason that are kept.
const REASON_BYTES_MAX: usize = 2_000;
/// Letters that are replayed in one transaction.
const REPLAYED_AT_ONCE: i64 = 1_000;

/// A document that is in the tables and not in the index, and why.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadLetter {
    pub kind: String,
    pub id: String,
    pub reason: String,
    pub tries: i32,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// The dead letters after `after`, by kind and id.
pub async fn dead_letters(
    db: &Db,
    consumer: &str,
    after: Option<(&str, &str)>,
    limit: i64,
) -> StoreResult<Vec<DeadLetter>> {
    let (kind, id) = after.unwrap_or_default();
    sqlx::query_as(
        "SELECT kind, id, reason, tries, first_at, last_at FROM search_dead
         WHERE consumer = $1 AND (kind, id) > ($2, $3) ORDER BY kind, id LIMIT $4",
    )
    .bind(consumer)
    .bind(kind)
    .bind(id)
    .bind(limit)
    .fetch_all(db.pool())
    .await
    .map_err(fault)
}

/// Has all dead letters, or those of one kind, read and written again. Those that fail again stay. Returns how many.
pub async fn replay(db: &Db, consumer: &str, mappings: &Mappings, only: Option<Kind>) -> StoreResult<u64> {
    let mut replayed = 0;
    for kind in mappings.kinds().into_iter().filter(|kind| only.is_none_or(|only| only == *kind)) {
        let mut after = String::new();
        loop {
            let ids: Vec<String> = sqlx::query_scalar(
                "SELECT id FROM search_dead WHERE consumer = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4",
            )
            .bind(consumer)
            .bind(kind.name())
            .bind(&after)
            .bind(REPLAYED_AT_ONCE)
            .fetch_all(db.pool())
            .await
            .map_err(fault)?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            replayed += ids.len() as u64;
            let mut tx = db.begin().await?;
            marks::read_again(&mut tx, kind, &ids).await?;
            tx.commit().await.map_err(fault)?;
        }
    }
    Ok(replayed)
}

/// Keeps what could not be indexed: ids and reasons, of one kind.
pub(crate) async fn bury(
    at: &mut PgConnection,
    consumer: &str,
    kind: Kind,
    dead: &[(String, String)],
) -> StoreResult<()> {
    let ids: Vec<&str> = dead.iter().map(|(id, _)| id.as_str()).collect();
    let reasons: Vec<&str> = dead.iter().map(|(_, reason)| crate::document::cut(reason, REASON_BYTES_MAX)).collect();
    sqlx::query(
        "INSERT INTO search_dead AS known (consumer, kind, id, reason)
         SELECT DISTINCT ON (id) $1, $2, id, reason FROM unnest($3::text[], $4::text[]) dead (id, reason)
         ON CONFLICT (consumer, kind, id)
         DO UPDATE SET reason = excluded.reason, tries = known.tries + 1, last_at = now()",
    )
    .bind(consumer)
    .bind(kind.name())
    .bind(ids)
    .bind(reasons)
    .execute(at)
    .await
    .map(drop)
    .map_err(fault)
}

/// Takes those of `ids` out that were indexed after all.
pub(crate) async fn revive(db: &Db, consumer: &str, kind: Kind, ids: &[String]) -> StoreResult<u64> {
    let revived = sqlx::query("DELETE FROM search_dead WHERE consumer = $1 AND kind = $2 AND id = ANY($3)")
        .bind(consumer)
        .bind(kind.name())
        .bind(ids)
        .execute(db.pool())
        .await
        .map_err(fault)?;
    Ok(revived.rows_affected())
}

pub(crate) async fn count(db: &Db, consumer: &str) -> StoreResult<i64> {
    sqlx::query_scalar("SELECT count(*) FROM search_dead WHERE consumer = $1")
        .bind(consumer)
        .fetch_one(db.pool())
        .await
        .map_err(fault)
}
