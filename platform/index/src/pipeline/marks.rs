//! Documents to read again although no table of theirs changes.
//!
//! A mark goes through the change stream like any row, and so gets the version of its commit.

use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;
use uuid::Uuid;

use super::mapping::{Mapping, Mappings};
use crate::Kind;

/// Marks of many documents that one sweep goes through.
const ONWARD_AT_ONCE: i64 = 100;
/// Documents that are marked at once for one of those.
const DOCUMENTS_AT_ONCE: usize = 1_000;

pub(crate) const TABLE: &str = "search_marks";

/// What a mark speaks of, as the stream tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    pub kind: &'a str,
    pub document: &'a str,
    /// The last one, if the mark speaks of several.
    pub last: Option<&'a str>,
}

/// What a change of the marks tells of, if it does.
pub(crate) fn told(change: &cdc::Change) -> Option<Told<'_>> {
    change.new.as_ref()?;
    (change.text("ready") == Some("t") && change.text("onward") != Some("t")).then_some(())?;
    Some(Told { kind: change.text("kind")?, document: change.text("document")?, last: change.text("last") })
}

/// Has documents read again. The rows are gone when the transaction commits, and are told all the same.
pub(crate) async fn read_again(tx: &mut PgConnection, kind: Kind, documents: &[String]) -> StoreResult<()> {
    let ids: Vec<Uuid> = documents.iter().map(|_| Uuid::now_v7()).collect();
    sqlx::query(
        "INSERT INTO search_marks (id, kind, document, ready)
         SELECT id, $3, document, true FROM unnest($1::uuid[], $2::text[]) mark (id, document)",
    )
    .bind(&ids)
    .bind(documents)
    .bind(kind.name())
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM search_marks WHERE id = ANY($1)").bind(&ids).execute(tx).await.map(drop).map_err(fault)
}

/// Sees to marks that were left behind, and takes away what is done.
///
/// A mark whose second never came is read now, and once more much later: a write whose outcome nobody knew may still land.
pub(crate) async fn sweep(db: &Db, mappings: &Mappings) -> StoreResult<()> {
    for statement in [
        "UPDATE search_marks SET ready = true, hint = 'again' WHERE id IN (
             SELECT id FROM search_marks
             WHERE NOT ready AND NOT onward AND marked_at < now() - interval '1 minute' LIMIT 1000)",
        "UPDATE search_marks SET hint = '', marked_at = now() WHERE id IN (
             SELECT id FROM search_marks
             WHERE ready AND NOT onward AND hint = 'again' AND marked_at < now() - interval '1 hour' LIMIT 1000)",
        "DELETE FROM search_marks WHERE id IN (
             SELECT id FROM search_marks WHERE ready AND hint = '' AND marked_at < now() - interval '1 minute' LIMIT 20000)",
    ] {
        sqlx::query(statement).execute(db.pool()).await.map_err(fault)?;
    }
    sweep_onward(db, mappings).await
}

async fn sweep_onward(db: &Db, mappings: &Mappings) -> StoreResult<()> {
    let left: Vec<(Uuid, String, String)> = sqlx::query_as(
        "SELECT id, kind, document FROM search_marks
         WHERE onward AND (NOT ready AND marked_at < now() - interval '1 minute'
                           OR ready AND hint = 'again' AND marked_at < now() - interval '1 hour')
         ORDER BY marked_at LIMIT $1",
    )
    .bind(ONWARD_AT_ONCE)
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    for (id, kind, document) in left {
        if let Some(mapping) = mappings.named(&kind) {
            read_onward(db, &**mapping, document).await?;
        }
        sqlx::query(
            "UPDATE search_marks
             SET ready = true, hint = CASE WHEN ready THEN '' ELSE 'again' END,
                 marked_at = CASE WHEN ready THEN now() ELSE marked_at END
             WHERE id = $1",
        )
        .bind(id)
        .execute(db.pool())
        .await
        .map_err(fault)?;
    }
    Ok(())
}

/// Has all documents after one read again.
async fn read_onward(db: &Db, mapping: &dyn Mapping, mut after: String) -> StoreResult<()> {
    loop {
        let documents = mapping.onward(&after, DOCUMENTS_AT_ONCE).await?;
        let Some(last) = documents.last() else { return Ok(()) };
        let mut tx = db.begin().await?;
        read_again(&mut tx, mapping.kind(), &documents).await?;
        tx.commit().await.map_err(fault)?;
        after.clone_from(last);
    }
}

/// How many marks wait for their documents.
pub async fn waiting(db: &Db) -> StoreResult<i64> {
    sqlx::query_scalar("SELECT count(*) FROM search_marks WHERE NOT ready").fetch_one(db.pool()).await.map_err(fault)
}
