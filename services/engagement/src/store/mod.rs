//! Rows and counters in PostgreSQL. All that changes them keeps to one order of locks: gates, rows by key, counters by
//! key.

mod forget;
mod read;

pub use forget::FORGET_BATCH;
pub(crate) use forget::{close_gate, forget_next, forget_person, forget_some, remove_comment};
pub(crate) use read::{Entry, Place, listed, of, saved};

use kernel::{ContentId, ContentKind, EventId, StoreError, Timestamp, UserId};
use postgres::outbox::{self, OutboxEvent};
use postgres::{Db, StoreResult, fault};
use serde::Serialize;
use sqlx::{PgConnection, Postgres, Transaction};
use telemetry::timed;
use uuid::Uuid;

use crate::kinds::What;

/// Into so many parts a count is split. More let more connections count at once, and cost more rows to read.
pub const SLOTS: i16 = 8;

/// What a person's row is to say.
pub(crate) struct Edge<'a> {
    pub content: ContentId,
    pub what: What,
    pub user: UserId,
    pub author: UserId,
    pub value: i16,
    pub text: Option<&'a str>,
    pub at: Timestamp,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    /// It says already what it should, or the content is gone.
    None,
    Made,
    /// It had this value before.
    Changed(i16),
}

/// By how much one counter moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delta {
    pub content: Uuid,
    pub what: i16,
    pub value: i16,
    pub by: i64,
}

/// Goes through the gates of `contents`, together with everybody else who adds to them; waits for whoever closes one.
pub(crate) async fn pass_gates(tx: &mut PgConnection, contents: &[Uuid]) -> StoreResult<()> {
    let query =
        sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended(c::text, 55)) FROM unnest($1::uuid[]) c")
            .bind(contents)
            .execute(tx);
    timed("postgres", "engagement.gate", query).await.map(drop).map_err(fault)
}

/// Makes a person's row say what it should.
pub(crate) async fn put(tx: &mut PgConnection, edge: &Edge<'_>) -> StoreResult<Transition> {
    let query = sqlx::query_scalar(
        "INSERT INTO engagement_edges AS e (content, what, actor, kind, author, value, text, at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (SELECT FROM engagement_gone g WHERE g.content = $1)
         ON CONFLICT (content, what, actor) DO UPDATE
         SET was = e.value, value = EXCLUDED.value, text = EXCLUDED.text, at = EXCLUDED.at
         WHERE (e.value, e.text) IS DISTINCT FROM (EXCLUDED.value, EXCLUDED.text)
         RETURNING was",
    )
    .bind(edge.content.uuid())
    .bind(edge.what.number())
    .bind(edge.user)
    .bind(edge.content.kind().number())
    .bind(edge.author)
    .bind(edge.value)
    .bind(edge.text)
    .bind(edge.at)
    .fetch_optional(tx);
    let was: Option<Option<i16>> = timed("postgres", "engagement.put", query).await.map_err(fault)?;
    Ok(match was {
        None => Transition::None,
        Some(None) => Transition::Made,
        Some(Some(before)) => Transition::Changed(before),
    })
}

/// Removes a person's row: its value and whose content it was, if there was one.
pub(crate) async fn take_back(
    tx: &mut PgConnection,
    content: ContentId,
    what: What,
    user: UserId,
) -> StoreResult<Option<(i16, Option<UserId>)>> {
    let query = sqlx::query_as(
        "DELETE FROM engagement_edges WHERE content = $1 AND what = $2 AND actor = $3 RETURNING value, author",
    )
    .bind(content.uuid())
    .bind(what.number())
    .bind(user)
    .fetch_optional(tx);
    timed("postgres", "engagement.take_back", query).await.map_err(fault)
}

/// Counts a comment at each of its ancestors: those that did not count it yet.
pub(crate) async fn add_comment(
    tx: &mut PgConnection,
    comment: ContentId,
    ancestors: &[ContentId],
    at: Timestamp,
) -> StoreResult<Vec<Uuid>> {
    let contents: Vec<Uuid> = ancestors.iter().map(|content| content.uuid()).collect();
    let kinds: Vec<i16> = ancestors.iter().map(|content| content.kind().number()).collect();
    let query = sqlx::query_scalar(
        "INSERT INTO engagement_edges (content, what, actor, kind, at)
         SELECT above.content, $1, $2, above.kind, $3 FROM unnest($4::uuid[], $5::smallint[]) AS above (content, kind)
         WHERE NOT EXISTS (SELECT FROM engagement_gone g WHERE g.content IN (above.content, $2))
         ORDER BY above.content
         ON CONFLICT DO NOTHING RETURNING content",
    )
    .bind(What::Comment.number())
    .bind(comment.uuid())
    .bind(at)
    .bind(contents)
    .bind(kinds)
    .fetch_all(tx);
    timed("postgres", "engagement.add_comment", query).await.map_err(fault)
}

/// Moves counters, in the order of their keys. To be called last before the commit: others wait for these rows.
pub(crate) async fn count(tx: &mut PgConnection, deltas: &[Delta]) -> StoreResult<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "INSERT INTO engagement_counters AS c (content, what, value, slot, count)
         SELECT content, what, value, (pg_backend_pid() % $5)::smallint, sum(by)::bigint
         FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::bigint[]) AS d (content, what, value, by)
         GROUP BY content, what, value HAVING sum(by) <> 0 ORDER BY content, what, value
         ON CONFLICT (content, what, value, slot) DO UPDATE SET count = c.count + EXCLUDED.count",
    )
    .bind(deltas.iter().map(|delta| delta.content).collect::<Vec<_>>())
    .bind(deltas.iter().map(|delta| delta.what).collect::<Vec<_>>())
    .bind(deltas.iter().map(|delta| delta.value).collect::<Vec<_>>())
    .bind(deltas.iter().map(|delta| delta.by).collect::<Vec<_>>())
    .bind(i32::from(SLOTS))
    .execute(tx);
    timed("postgres", "engagement.count", query).await.map(drop).map_err(fault)
}

/// Writes an event in the transaction of what it tells of.
pub(crate) async fn announce(
    tx: &mut PgConnection,
    kind: &'static str,
    key: String,
    payload: &impl Serialize,
    now: Timestamp,
) -> StoreResult<()> {
    let payload = serde_json::to_value(payload).map_err(StoreError::broken)?;
    outbox::append(tx, &OutboxEvent { id: EventId::new(now), kind, key, payload }, now).await
}

pub(crate) async fn begin(db: &Db) -> StoreResult<Transaction<'static, Postgres>> {
    db.begin().await
}

pub(crate) async fn commit(tx: Transaction<'static, Postgres>) -> StoreResult<()> {
    timed("postgres", "engagement.commit", tx.commit()).await.map_err(fault)
}

/// An id out of its two columns.
pub(crate) fn content_id(kind: i16, content: Uuid) -> StoreResult<ContentId> {
    let kind =
        ContentKind::from_number(kind).ok_or_else(|| StoreError::broken(format!("{kind} is no kind of content")))?;
    Ok(ContentId::from_parts(kind, content))
}
