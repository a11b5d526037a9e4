//! Impressions: kept, counted, and after a while forgotten.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kernel::{ContentId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::engagement::{ContentViewed, ViewCounted};
use sqlx::PgConnection;
use telemetry::timed;
use uuid::Uuid;

use crate::kinds::{ONLY, What};
use crate::metrics::METRICS;
use crate::model::Impressions;
use crate::store::{self, Delta};

/// How long an impression is kept.
pub const IMPRESSIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Impressions that are deleted at once.
const SWEEP_BATCH: i64 = 5_000;

pub(crate) const CONTENT_VIEWED: &str = "content.viewed";

/// What the table of impressions made of one: its dwell now, and before.
#[derive(sqlx::FromRow)]
struct Noted {
    content: Uuid,
    request: String,
    dwell_ms: i32,
    was_ms: Option<i32>,
}

/// Takes impressions of content by these authors: keeps them, counts persons, adds up dwell, and tells.
pub(crate) async fn add(
    db: &Db,
    user: UserId,
    impressions: &Impressions,
    authors: &HashMap<ContentId, UserId>,
    now: Timestamp,
) -> StoreResult<()> {
    let mut gates: Vec<Uuid> = impressions.keys().map(|(content, _)| content.uuid()).collect();
    gates.dedup();
    let mut tx = store::begin(db).await?;
    store::pass_gates(&mut tx, &gates).await?;
    let noted = note(&mut tx, user, impressions, now).await?;
    let mut dwell: BTreeMap<Uuid, i64> = BTreeMap::new();
    for it in &noted {
        *dwell.entry(it.content).or_default() += i64::from(it.dwell_ms - it.was_ms.unwrap_or(0));
    }
    let ids: HashMap<Uuid, ContentId> = authors.keys().map(|content| (content.uuid(), *content)).collect();
    let first = look(&mut tx, user, &dwell, &ids, now).await?;
    let mut views = Vec::with_capacity(noted.len());
    for Noted { content, request, dwell_ms, .. } in noted {
        let Some(content) = ids.get(&content).copied() else { continue };
        let Some(author) = authors.get(&content).copied() else { continue };
        let position = impressions.get(&(content, request.clone())).and_then(|it| it.position);
        let dwell_ms = dwell_ms.unsigned_abs();
        views.push(ViewCounted {
            content,
            author,
            request,
            position,
            dwell_ms,
            first: first.contains(&content.uuid()),
        });
    }
    if views.is_empty() {
        return Ok(());
    }
    let kept = views.len() as u64;
    let event = ContentViewed { user, views, at: now };
    store::announce(&mut tx, CONTENT_VIEWED, user.to_string(), &event, now).await?;
    let one = |content: &Uuid| Delta { content: *content, what: What::View.number(), value: ONLY, by: 1 };
    store::count(&mut tx, &first.iter().map(one).collect::<Vec<_>>()).await?;
    store::commit(tx).await?;
    METRICS.impressions.inc_by(kept);
    Ok(())
}

/// Keeps impressions: those that are new, or lasted longer than was known.
async fn note(
    tx: &mut PgConnection,
    user: UserId,
    impressions: &Impressions,
    now: Timestamp,
) -> StoreResult<Vec<Noted>> {
    let query = sqlx::query_as(
        "INSERT INTO impressions AS i (viewer, content, request, position, dwell_ms, at)
         SELECT $1, given.content, given.request, given.position, given.dwell_ms, $2
         FROM unnest($3::uuid[], $4::text[], $5::smallint[], $6::integer[]) AS given (content, request, position, dwell_ms)
         WHERE NOT EXISTS (SELECT FROM engagement_gone g WHERE g.content = given.content)
         ORDER BY given.content, given.request
         ON CONFLICT (viewer, content, request) DO UPDATE SET was_ms = i.dwell_ms, dwell_ms = EXCLUDED.dwell_ms
         WHERE EXCLUDED.dwell_ms > i.dwell_ms
         RETURNING content, request, dwell_ms, was_ms",
    )
    .bind(user)
    .bind(now)
    .bind(impressions.keys().map(|(content, _)| content.uuid()).collect::<Vec<_>>())
    .bind(impressions.keys().map(|(_, request)| request.as_str()).collect::<Vec<_>>())
    .bind(impressions.values().map(|it| it.position.map(u16::cast_signed)).collect::<Vec<_>>())
    .bind(impressions.values().map(|it| it.dwell_ms.cast_signed()).collect::<Vec<_>>())
    .fetch_all(tx);
    timed("postgres", "engagement.impressions", query).await.map_err(fault)
}

/// Adds dwell to the person's views. Returns what was not seen before.
async fn look(
    tx: &mut PgConnection,
    user: UserId,
    dwell: &BTreeMap<Uuid, i64>,
    ids: &HashMap<Uuid, ContentId>,
    now: Timestamp,
) -> StoreResult<Vec<Uuid>> {
    let kinds: Vec<i16> = dwell.keys().map(|it| ids.get(it).map_or(0, |content| content.kind().number())).collect();
    let query = sqlx::query_as(
        "INSERT INTO engagement_edges AS e (content, what, actor, kind, dwell_ms, at)
         SELECT seen.content, $1, $2, seen.kind, seen.dwell_ms, $3
         FROM unnest($4::uuid[], $5::smallint[], $6::bigint[]) AS seen (content, kind, dwell_ms)
         ORDER BY seen.content
         ON CONFLICT (content, what, actor) DO UPDATE SET was = e.value, dwell_ms = e.dwell_ms + EXCLUDED.dwell_ms
         RETURNING content, was",
    )
    .bind(What::View.number())
    .bind(user)
    .bind(now)
    .bind(dwell.keys().copied().collect::<Vec<_>>())
    .bind(kinds)
    .bind(dwell.values().copied().collect::<Vec<_>>())
    .fetch_all(tx);
    let rows: Vec<(Uuid, Option<i16>)> = timed("postgres", "engagement.look", query).await.map_err(fault)?;
    Ok(rows.into_iter().filter(|(_, was)| was.is_none()).map(|(content, _)| content).collect())
}

/// Deletes impressions that are older than [`IMPRESSIONS_KEPT`].
pub(crate) async fn sweep(db: &Db, now: Timestamp) -> StoreResult<u64> {
    let mut swept = 0;
    loop {
        let query = sqlx::query(
            "DELETE FROM impressions WHERE (viewer, content, request) IN (
                 SELECT viewer, content, request FROM impressions WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
             )",
        )
        .bind(now.minus(IMPRESSIONS_KEPT))
        .bind(SWEEP_BATCH)
        .execute(db.pool());
        let batch = timed("postgres", "engagement.sweep", query).await.map_err(fault)?.rows_affected();
        swept += batch;
        if batch < SWEEP_BATCH.unsigned_abs() {
            return Ok(swept);
        }
    }
}
