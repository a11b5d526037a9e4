//! What goes when content or an account goes. Each batch is a transaction after which the counts are exact.

use kernel::{ContentId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use telemetry::timed;
use uuid::Uuid;

use super::{Delta, begin, commit, count};
use crate::kinds::What;

/// Rows that are removed in one transaction.
pub const FORGET_BATCH: i64 = 1_000;

/// What one row counted.
type Counted = (Uuid, i16, i16);

fn deltas(rows: &[Counted]) -> Vec<Delta> {
    rows.iter().map(|&(content, what, value)| Delta { content, what, value, by: -1 }).collect()
}

/// Nothing is added to `content` from now on, and what was being added is there.
pub(crate) async fn close_gate(db: &Db, content: ContentId, now: Timestamp) -> StoreResult<()> {
    let mut tx = begin(db).await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 55))")
        .bind(content.uuid())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("INSERT INTO engagement_gone (content, gone_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(content.uuid())
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}

/// Uncounts a comment that is gone at its ancestors.
pub(crate) async fn remove_comment(db: &Db, comment: ContentId) -> StoreResult<()> {
    let mut tx = begin(db).await?;
    let query = sqlx::query_as(
        "WITH locked AS (
             SELECT content FROM engagement_edges WHERE actor = $1 AND what = $2 ORDER BY content FOR UPDATE
         )
         DELETE FROM engagement_edges e USING locked
         WHERE e.content = locked.content AND e.what = $2 AND e.actor = $1 RETURNING e.content, e.what, e.value",
    )
    .bind(comment.uuid())
    .bind(What::Comment.number())
    .fetch_all(&mut *tx);
    let rows: Vec<Counted> = timed("postgres", "engagement.remove_comment", query).await.map_err(fault)?;
    count(&mut tx, &deltas(&rows)).await?;
    commit(tx).await
}

/// Removes everything about content whose gate is closed.
pub(crate) async fn forget_content(db: &Db, content: ContentId) -> StoreResult<()> {
    loop {
        let mut tx = begin(db).await?;
        let query = sqlx::query_as(
            "WITH locked AS (
                 SELECT what, actor FROM engagement_edges WHERE content = $1 ORDER BY what, actor LIMIT $2 FOR UPDATE
             )
             DELETE FROM engagement_edges e USING locked
             WHERE e.content = $1 AND e.what = locked.what AND e.actor = locked.actor
             RETURNING e.content, e.what, e.value",
        )
        .bind(content.uuid())
        .bind(FORGET_BATCH)
        .fetch_all(&mut *tx);
        let rows: Vec<Counted> = timed("postgres", "engagement.forget_content", query).await.map_err(fault)?;
        count(&mut tx, &deltas(&rows)).await?;
        commit(tx).await?;
        if rows.len() < FORGET_BATCH as usize {
            break;
        }
    }
    // Zero in sum, and nothing adds to them any more.
    sqlx::query(
        "DELETE FROM engagement_counters c WHERE content = $1
         AND NOT EXISTS (SELECT FROM engagement_edges e WHERE e.content = $1)",
    )
    .bind(content.uuid())
    .execute(db.pool())
    .await
    .map(drop)
    .map_err(fault)
}

/// Removes everything that a person did.
pub(crate) async fn forget_person(db: &Db, user: UserId) -> StoreResult<()> {
    for what in What::ALL.into_iter().filter(|what| what.is_personal()) {
        loop {
            let mut tx = begin(db).await?;
            let query = sqlx::query_as(
                "WITH locked AS (
                     SELECT content FROM engagement_edges WHERE actor = $1 AND what = $2
                     ORDER BY content LIMIT $3 FOR UPDATE
                 )
                 DELETE FROM engagement_edges e USING locked
                 WHERE e.content = locked.content AND e.what = $2 AND e.actor = $1
                 RETURNING e.content, e.what, e.value",
            )
            .bind(user)
            .bind(what.number())
            .bind(FORGET_BATCH)
            .fetch_all(&mut *tx);
            let rows: Vec<Counted> = timed("postgres", "engagement.forget_person", query).await.map_err(fault)?;
            count(&mut tx, &deltas(&rows)).await?;
            commit(tx).await?;
            if rows.is_empty() {
                break;
            }
        }
    }
    sqlx::query("DELETE FROM impressions WHERE viewer = $1")
        .bind(user)
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(fault)
}
