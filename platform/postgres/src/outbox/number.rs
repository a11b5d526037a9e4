//! Positions: the order of commits.

use sqlx::PgConnection;

use super::CHANNEL;
use crate::{StoreResult, fault};

/// Gives the events `seqs` their positions, in this order, and wakes whoever delivers when the transaction commits.
/// Those that have one, or are gone, are passed over. Returns how many got one.
///
/// One caller at a time: whoever calls holds a lock that says so (the checkpoint of the change stream).
pub async fn number(tx: &mut PgConnection, seqs: &[i64]) -> StoreResult<u64> {
    let numbered = sqlx::query(
        "WITH fresh AS (
             SELECT outbox.seq, row_number() OVER (ORDER BY named.nth) AS nth
             FROM unnest($1::bigint[]) WITH ORDINALITY AS named (seq, nth)
             JOIN outbox ON outbox.seq = named.seq
             WHERE outbox.position IS NULL
         ), head AS (
             UPDATE event_head SET position = position + (SELECT count(*) FROM fresh) RETURNING position
         )
         UPDATE outbox SET position = head.position - (SELECT count(*) FROM fresh) + fresh.nth, numbered_at = now()
         FROM fresh, head WHERE outbox.seq = fresh.seq",
    )
    .bind(seqs)
    .execute(&mut *tx)
    .await
    .map_err(fault)?
    .rows_affected();
    if numbered > 0 {
        sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(tx).await.map_err(fault)?;
    }
    Ok(numbered)
}

/// Gives every committed event a position that has none, in the order in which they were written: when there was no
/// stream that could have told the order of commits. For one key both orders are the same.
pub async fn number_all(tx: &mut PgConnection) -> StoreResult<u64> {
    let mut numbered = 0;
    loop {
        let seqs = without_position(tx, NUMBER_ALL_BATCH).await?;
        if seqs.is_empty() {
            return Ok(numbered);
        }
        numbered += number(tx, &seqs).await?;
    }
}

/// Events that one statement of [`number_all`] numbers.
const NUMBER_ALL_BATCH: i64 = 5_000;

/// The oldest committed events that have no position.
pub async fn without_position(at: &mut PgConnection, limit: i64) -> StoreResult<Vec<i64>> {
    sqlx::query_scalar("SELECT seq FROM outbox WHERE position IS NULL ORDER BY seq LIMIT $1")
        .bind(limit)
        .fetch_all(at)
        .await
        .map_err(fault)
}
