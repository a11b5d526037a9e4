//! Uses of hashtags in PostgreSQL.

use index::Language;
use kernel::{ContentId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;
use telemetry::timed;

use super::{CANDIDATES_MAX, HALF_LIFE, KEPT, PEOPLE_MIN, RECENT};
use crate::neighbours::Tagged;

/// Uses that are too old to count and are deleted at once.
const SWEPT_AT_ONCE: i64 = 10_000;

/// How much a hashtag is used.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct Heat {
    pub tag: String,
    /// Different people of late.
    pub people: i64,
    pub posts: i64,
    /// Each person's last use, decayed.
    pub heat: f64,
    /// Uses in the week before, each person once a day.
    pub past_uses: i64,
}

/// The hashtags that are used most of late, and what they were before.
pub(crate) async fn heats(db: &Db, language: Option<Language>, now: Timestamp) -> StoreResult<Vec<Heat>> {
    let query = sqlx::query_as(
        "WITH of_late AS (
             SELECT tag, author, count(*) AS posts, max(used_at) AS last FROM hashtag_uses
             WHERE used_at > $2 AND used_at <= $1 AND ($4::text IS NULL OR language = $4)
             GROUP BY tag, author
         ), hottest AS (
             SELECT tag, count(*) AS people, sum(posts)::bigint AS posts,
                    sum(power(0.5, extract(epoch FROM $1 - last)::float8 / $5)) AS heat
             FROM of_late GROUP BY tag HAVING count(*) >= $6
             ORDER BY heat DESC LIMIT $7
         )
         SELECT tag, people, posts, heat,
                (SELECT count(DISTINCT (author, date_trunc('day', used_at))) FROM hashtag_uses past
                 WHERE past.tag = hottest.tag AND used_at > $3 AND used_at <= $2
                   AND ($4::text IS NULL OR language = $4)) AS past_uses
         FROM hottest",
    )
    .bind(now)
    .bind(now.minus(RECENT))
    .bind(now.minus(KEPT))
    .bind(language.map(Language::code))
    .bind(HALF_LIFE.as_secs_f64())
    .bind(PEOPLE_MIN.cast_signed())
    .bind(CANDIDATES_MAX)
    .fetch_all(db.pool());
    timed("postgres", "search.heats", query).await.map_err(fault)
}

/// Until `tx` ends, nothing else is counted or uncounted of this author: what is read in between stays true of the rows.
pub(crate) async fn lock(tx: &mut PgConnection, author: UserId) -> StoreResult<()> {
    let key = author.uuid().as_u64_pair().1.cast_signed();
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(tx).await.map(drop).map_err(fault)
}

/// Makes the uses by a piece of content what `tagged` says.
pub(crate) async fn replace(tx: &mut PgConnection, content: ContentId, tagged: Option<&Tagged>) -> StoreResult<()> {
    sqlx::query("DELETE FROM hashtag_uses WHERE content = $1").bind(content).execute(&mut *tx).await.map_err(fault)?;
    let Some(tagged) = tagged.filter(|tagged| !tagged.tags.is_empty()) else { return Ok(()) };
    sqlx::query(
        "INSERT INTO hashtag_uses (content, tag, author, language, used_at)
         SELECT DISTINCT $1::uuid, tag, $3::uuid, $4, $5::timestamptz FROM unnest($2::text[]) tag",
    )
    .bind(content)
    .bind(&tagged.tags)
    .bind(tagged.author)
    .bind(Language::detect(&tagged.text).map(Language::code))
    .bind(tagged.created_at)
    .execute(tx)
    .await
    .map(drop)
    .map_err(fault)
}

pub(crate) async fn remove_all_of(tx: &mut PgConnection, author: UserId) -> StoreResult<()> {
    sqlx::query("DELETE FROM hashtag_uses WHERE author = $1").bind(author).execute(tx).await.map(drop).map_err(fault)
}

/// Deletes some of what is too old to count.
pub(crate) async fn sweep(db: &Db, now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "DELETE FROM hashtag_uses WHERE ctid = ANY (ARRAY(SELECT ctid FROM hashtag_uses WHERE used_at <= $1 LIMIT $2))",
    )
    .bind(now.minus(KEPT))
    .bind(SWEPT_AT_ONCE)
    .execute(db.pool())
    .await
    .map(drop)
    .map_err(fault)
}
