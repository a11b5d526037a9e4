//! What goes when content or an account goes. Each batch is a transaction after which the counts are exact.

use kernel::{ContentId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;
use telemetry::timed;
use uuid::Uuid;

use super::{Delta, begin, commit, count};
use crate::kinds::What;
use crate::metrics::METRICS;

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

/// Removes a batch of what there is about content whose gate is closed. Whether nothing is left.
pub(crate) async fn forget_some(db: &Db, content: Uuid) -> StoreResult<bool> {
    let mut tx = begin(db).await?;
    let done = forget_batch(&mut tx, content).await?;
    commit(tx).await?;
    Ok(done)
}

/// Removes a batch about the content that has waited longest, unless another process has it in hand. `false`: nothing waits.
pub(crate) async fn forget_next(db: &Db) -> StoreResult<bool> {
    let mut tx = begin(db).await?;
    let query = sqlx::query_scalar(
        "SELECT content FROM engagement_gone WHERE NOT forgotten ORDER BY gone_at LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .fetch_optional(&mut *tx);
    let next: Option<Uuid> = timed("postgres", "engagement.forget_next", query).await.map_err(fault)?;
    if let Some(content) = next {
        forget_batch(&mut tx, content).await?;
    }
    commit(tx).await?;
    Ok(next.is_some())
}

async fn forget_batch(tx: &mut PgConnection, content: Uuid) -> StoreResult<bool> {
    let query = sqlx::query_as(
        "WITH locked AS (
             SELECT what, actor FROM engagement_edges WHERE content = $1 ORDER BY what, actor LIMIT $2 FOR UPDATE
         )
         DELETE FROM engagement_edges e USING locked
         WHERE e.content = $1 AND e.what = locked.what AND e.actor = locked.actor
         RETURNING e.content, e.what, e.value",
    )
    .bind(content)
    .bind(FORGET_BATCH)
    .fetch_all(&mut *tx);
    let rows: Vec<Counted> = timed("postgres", "engagement.forget_content", query).await.map_err(fault)?;
    count(tx, &deltas(&rows)).await?;
    METRICS.forgotten.inc_by(rows.len() as u64);
    // Those who take something back at this moment make a batch shorter without making it the last.
    let left = "SELECT EXISTS (SELECT FROM engagement_edges WHERE content = $1)";
    if sqlx::query_scalar(left).bind(content).fetch_one(&mut *tx).await.map_err(fault)? {
        return Ok(false);
    }
    for sql in [
        // Zero in sum, and nothing adds to them any more.
        "DELETE FROM engagement_counters WHERE content = $1",
        "UPDATE engagement_gone SET forgotten = true WHERE content = $1 AND NOT forgotten",
    ] {
        sqlx::query(sql).bind(content).execute(&mut *tx).await.map_err(fault)?;
    }
    Ok(true)
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
    forget_impressions(db, user).await
}

/// A person may have looked at much within a month.
async fn forget_impressions(db: &Db, user: UserId) -> StoreResult<()> {
    loop {
        let query = sqlx::query(
            "DELETE FROM impressions WHERE (viewer, content, request) IN (
                 SELECT viewer, content, request FROM impressions WHERE viewer = $1 LIMIT $2
             )",
        )
        .bind(user)
        .bind(FORGET_BATCH)
        .execute(db.pool());
        let gone = timed("postgres", "engagement.forget_impressions", query).await.map_err(fault)?.rows_affected();
        if gone == 0 {
            return Ok(());
        }
    }
}
