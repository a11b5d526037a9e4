//! What is read.

use std::collections::HashMap;

use kernel::{ContentId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::engagement::Engagement;
use telemetry::timed;
use uuid::Uuid;

use super::content_id;
use crate::kinds::What;

/// Counts of `contents` and what `viewer` did with them, in one round trip. Those with which nothing was done are left out.
pub(crate) async fn of(db: &Db, viewer: UserId, contents: &[ContentId]) -> StoreResult<HashMap<ContentId, Engagement>> {
    let by_uuid: HashMap<Uuid, ContentId> = contents.iter().map(|content| (content.uuid(), *content)).collect();
    let ids: Vec<Uuid> = by_uuid.keys().copied().collect();
    let mine: Vec<i16> = What::ALL.into_iter().filter(|what| what.told().is_some()).map(What::number).collect();
    // One's own rows are looked up by their whole key, whatever the planner thinks of content that many touched.
    let query = sqlx::query_as(
        "SELECT content, what, value, sum(count)::bigint, false FROM engagement_counters
         WHERE content = ANY($1) GROUP BY content, what, value
         UNION ALL
         SELECT asked.content, done.what, mine.value, 1, true
         FROM unnest($1::uuid[]) asked (content) CROSS JOIN unnest($2::smallint[]) done (what)
         CROSS JOIN LATERAL (
             SELECT value FROM engagement_edges e
             WHERE e.content = asked.content AND e.what = done.what AND e.actor = $3 LIMIT 1
         ) mine",
    )
    .bind(ids)
    .bind(mine)
    .bind(viewer)
    .fetch_all(db.pool());
    let rows: Vec<(Uuid, i16, i16, i64, bool)> = timed("postgres", "engagement.of", query).await.map_err(fault)?;
    let mut found: HashMap<ContentId, Engagement> = HashMap::with_capacity(contents.len());
    for (content, what, value, count, is_mine) in rows {
        // Of a newer version of Plaza, when unknown.
        let (Some(content), Some(what)) = (by_uuid.get(&content), What::from_number(what)) else { continue };
        let engagement = found.entry(*content).or_default();
        if is_mine {
            what.mine(value, &mut engagement.mine);
        } else {
            what.count(value, u64::try_from(count).unwrap_or(0), &mut engagement.counts);
        }
    }
    Ok(found)
}

/// Where a list of people ends: in its order, so that what is added meanwhile moves nothing.
pub(crate) type Place = (Timestamp, UserId);

/// Somebody in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Entry {
    pub actor: UserId,
    pub value: i16,
    pub text: Option<String>,
    pub at: Timestamp,
}

/// Before the first of any list.
const START: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// Who did `what` with `content` before `before`, the last first; those with one value, or all.
pub(crate) async fn listed(
    db: &Db,
    content: ContentId,
    what: What,
    value: Option<i16>,
    before: Option<Place>,
    limit: i64,
) -> StoreResult<Vec<Entry>> {
    let (at, actor) = before.unwrap_or((START, UserId::from_uuid(Uuid::max())));
    // The numbers stand in the text, so that the partial indexes are found.
    let sql = match (what, value) {
        (What::Reaction, Some(_)) => {
            "SELECT actor, value, text, at FROM engagement_edges
             WHERE content = $1 AND what = 1 AND value = $5 AND (at, actor) < ($2, $3)
             ORDER BY at DESC, actor DESC LIMIT $4"
        }
        (What::Reaction, None) => {
            "SELECT actor, value, text, at FROM engagement_edges
             WHERE content = $1 AND what = 1 AND (at, actor) < ($2, $3) AND $5::smallint IS NULL
             ORDER BY at DESC, actor DESC LIMIT $4"
        }
        _ => {
            "SELECT actor, value, text, at FROM engagement_edges
             WHERE content = $1 AND what = 3 AND (at, actor) < ($2, $3) AND $5::smallint IS NULL
             ORDER BY at DESC, actor DESC LIMIT $4"
        }
    };
    let query =
        sqlx::query_as(sql).bind(content.uuid()).bind(at).bind(actor).bind(limit).bind(value).fetch_all(db.pool());
    timed("postgres", "engagement.listed", query).await.map_err(fault)
}

/// Something on a person's list, and since when.
pub(crate) type Saved = (ContentId, Timestamp);

/// What `user` saved before `before`, the last first.
pub(crate) async fn saved(
    db: &Db,
    user: UserId,
    before: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> StoreResult<Vec<Saved>> {
    let (at, content) = before.unwrap_or((START, Uuid::max()));
    let query = sqlx::query_as(
        "SELECT kind, content, at FROM engagement_edges
         WHERE actor = $1 AND what = 2 AND (at, content) < ($2, $3) ORDER BY at DESC, content DESC LIMIT $4",
    )
    .bind(user)
    .bind(at)
    .bind(content)
    .bind(limit)
    .fetch_all(db.pool());
    let rows: Vec<(i16, Uuid, Timestamp)> = timed("postgres", "engagement.saved", query).await.map_err(fault)?;
    rows.into_iter().map(|(kind, content, at)| Ok((content_id(kind, content)?, at))).collect()
}
