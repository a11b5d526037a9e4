//! Orders that pages are read from, and the log of what was served from them.

use std::time::Duration;

use kernel::{ContentId, ContentKind, Ctx, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::feed::Why;
use sqlx::types::Json;
use uuid::Uuid;

/// How long an order can be paged through.
pub const SLATE_AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// An order of a viewer's feed.
#[derive(Debug, Clone)]
pub struct Slate {
    /// Of the model that made it.
    pub version: i64,
    pub slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
pub struct Slot {
    pub id: ContentId,
    pub author: UserId,
    pub why: Why,
    pub propensity: f32,
    pub features: Vec<u8>,
}

/// What is read of a slot to show it.
#[derive(Debug, Clone)]
pub struct Kept {
    pub id: ContentId,
    pub author: UserId,
    pub why: Why,
}

pub struct Slates(pub Db);

impl Slates {
    pub async fn keep(&self, ctx: &Ctx, slate: &Slate) -> StoreResult<Uuid> {
        let id = kernel::EventId::new(ctx.now).uuid();
        let of = |each: fn(&Slot) -> Uuid| slate.slots.iter().map(each).collect::<Vec<_>>();
        let query = sqlx::query(
            "INSERT INTO feed_slates (id, viewer, made_at, request, model, ids, kinds, authors, why, propensities, features)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(id)
        .bind(ctx.user)
        .bind(ctx.now)
        .bind(ctx.request.as_str())
        .bind(slate.version)
        .bind(of(|slot| slot.id.uuid()))
        .bind(slate.slots.iter().map(|slot| slot.id.kind().number()).collect::<Vec<_>>())
        .bind(of(|slot| slot.author.uuid()))
        .bind(Json(slate.slots.iter().map(|slot| &slot.why).collect::<Vec<_>>()))
        .bind(slate.slots.iter().map(|slot| slot.propensity).collect::<Vec<_>>())
        .bind(slate.slots.iter().map(|slot| slot.features.as_slice()).collect::<Vec<_>>())
        .execute(self.0.pool());
        telemetry::timed("postgres", "feed.slate.keep", query).await.map_err(fault)?;
        Ok(id)
    }

    /// The slots of the viewer's order `id` from place `from` on, as long as it is kept.
    pub async fn read(&self, ctx: &Ctx, id: Uuid, from: usize) -> StoreResult<Option<Vec<Kept>>> {
        type Row = (Vec<Uuid>, Vec<i16>, Vec<UserId>, Json<Vec<Why>>);
        let query = sqlx::query_as(
            "SELECT ids, kinds, authors, why FROM feed_slates WHERE id = $1 AND viewer = $2 AND made_at > $3",
        )
        .bind(id)
        .bind(ctx.user)
        .bind(ctx.now.minus(SLATE_AGE_MAX))
        .fetch_optional(self.0.pool());
        let row: Option<Row> = telemetry::timed("postgres", "feed.slate.read", query).await.map_err(fault)?;
        let Some((ids, kinds, authors, Json(why))) = row else { return Ok(None) };
        let slots = ids.into_iter().zip(kinds).zip(authors).zip(why).skip(from);
        let slot = |(((id, kind), author), why)| {
            // Kinds were known to whoever kept them; a place that is passed over here would shift those behind it.
            let kind = ContentKind::from_number(kind).unwrap_or(ContentKind::Post);
            Kept { id: ContentId::from_parts(kind, id), author, why }
        };
        Ok(Some(slots.map(slot).collect()))
    }

    /// Writes down that the `places` of an order were served.
    pub async fn served(&self, ctx: &Ctx, id: Uuid, places: &[i32]) -> StoreResult<()> {
        let query = sqlx::query(
            "INSERT INTO feed_served (slate, content, kind, author, viewer, request, place, propensity, model, features, at)
             SELECT s.id, s.ids[p], s.kinds[p], s.authors[p], s.viewer, $3, p - 1, s.propensities[p], s.model, s.features[p], $4
             FROM feed_slates s, unnest($2::int[]) AS p WHERE s.id = $1
             ON CONFLICT (slate, content) DO NOTHING",
        )
        .bind(id)
        .bind(places)
        .bind(ctx.request.as_str())
        .bind(ctx.now)
        .execute(self.0.pool());
        telemetry::timed("postgres", "feed.slate.served", query).await.map_err(fault)?;
        Ok(())
    }
}

/// Forgets what nobody can ask for any more.
pub async fn sweep(tx: &mut sqlx::PgConnection, now: Timestamp) -> StoreResult<()> {
    const SEEN_KEPT: Duration = Duration::from_hours(30 * 24);
    const ACTS_KEPT: Duration = Duration::from_hours(7 * 24);
    for (statement, kept) in [
        ("DELETE FROM feed_slates WHERE made_at < $1", SLATE_AGE_MAX),
        ("DELETE FROM feed_seen WHERE at < $1", SEEN_KEPT),
        ("DELETE FROM feed_acts WHERE at < $1", ACTS_KEPT),
    ] {
        sqlx::query(statement).bind(now.minus(kept)).execute(&mut *tx).await.map_err(fault)?;
    }
    Ok(())
}
