//! Content by who published it, as those need it who make pages of what many people publish. Ids and authors only: whoever shows
//! any of it asks [`Service::visible`] first.

use kernel::{ContentId, ContentKind, Timestamp, UserId};
use postgres::fault;
use uuid::Uuid;

use crate::{Error, Service};

const EARTH_RADIUS_M: f64 = 6_371_008.8;
const METRES_A_DEGREE: f64 = 111_000.0;

/// What one author publishes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    pub author: UserId,
    pub kind: ContentKind,
}

/// A stretch of content by ids: below `before`, and not below `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub before: Option<ContentId>,
    pub from: Option<ContentId>,
}

impl Service {
    /// The newest of all `sources` together within `window`, whoever may read it: newest first, in one round trip.
    ///
    /// The newest of each source is looked at first: only the sources that are ahead by it can have more among the newest of all.
    pub async fn latest(
        &self,
        sources: &[Source],
        window: Window,
        limit: usize,
    ) -> Result<Vec<(ContentId, UserId)>, Error> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as::<_, (ContentKind, Uuid, UserId)>(
            "WITH front AS MATERIALIZED (
                 SELECT asked.author, asked.kind, newest.id
                 FROM unnest($1::uuid[], $2::smallint[]) asked (author, kind)
                 CROSS JOIN LATERAL (
                     SELECT id FROM contents
                     WHERE author = asked.author AND kind = asked.kind AND deleted_at IS NULL AND id < $3 AND id >= $4
                     ORDER BY id DESC LIMIT 1
                 ) newest
                 ORDER BY newest.id DESC LIMIT $5
             )
             SELECT front.kind, latest.id, front.author FROM front
             CROSS JOIN LATERAL (
                 SELECT id FROM contents
                 WHERE author = front.author AND kind = front.kind AND deleted_at IS NULL
                     AND id <= front.id AND id >= $4
                 ORDER BY id DESC LIMIT $5
             ) latest
             ORDER BY latest.id DESC LIMIT $5",
        )
        .bind(sources.iter().map(|source| source.author).collect::<Vec<_>>())
        .bind(sources.iter().map(|source| source.kind.number()).collect::<Vec<_>>())
        .bind(window.before.map_or(Uuid::max(), ContentId::uuid))
        .bind(window.from.map_or(Uuid::nil(), ContentId::uuid))
        .bind(limit as i64)
        .fetch_all(self.store.db.pool());
        let rows = telemetry::timed("postgres", "content.latest", rows).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(kind, id, author)| (ContentId::from_parts(kind, id), author)).collect())
    }

    /// The stories of `authors` from `since` on, up to `each` of an author, whoever may see them, in one round trip.
    pub async fn stories(
        &self,
        authors: &[UserId],
        since: Timestamp,
        each: usize,
    ) -> Result<Vec<(ContentId, UserId)>, Error> {
        let rows = sqlx::query_as::<_, (Uuid, UserId)>(
            "SELECT story.id, asked.author FROM unnest($1::uuid[]) asked (author)
             CROSS JOIN LATERAL (
                 SELECT id FROM contents
                 WHERE author = asked.author AND kind = $2 AND deleted_at IS NULL AND id >= $3
                 ORDER BY id DESC LIMIT $4
             ) story",
        )
        .bind(authors)
        .bind(ContentKind::Story.number())
        .bind(UserId::floor(since).uuid())
        .bind(each as i64)
        .fetch_all(self.store.db.pool());
        let rows = telemetry::timed("postgres", "content.stories", rows).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(id, author)| (ContentId::from_parts(ContentKind::Story, id), author)).collect())
    }

    /// The newest public content of a kind, newest first.
    pub async fn newest(&self, kind: ContentKind, limit: usize) -> Result<Vec<(ContentId, UserId)>, Error> {
        let rows = sqlx::query_as::<_, (Uuid, UserId)>(
            "SELECT id, author FROM contents WHERE kind = $1 AND deleted_at IS NULL AND audience = 'public'
             ORDER BY id DESC LIMIT $2",
        )
        .bind(kind.number())
        .bind(limit as i64)
        .fetch_all(self.store.db.pool());
        let rows = telemetry::timed("postgres", "content.newest", rows).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(id, author)| (ContentId::from_parts(kind, id), author)).collect())
    }

    /// Listings with a place within `radius_m` metres, whoever may see them, older than `before`: newest first.
    pub async fn listings_near(
        &self,
        (latitude, longitude): (f64, f64),
        radius_m: f64,
        before: Option<ContentId>,
        limit: usize,
    ) -> Result<Vec<(ContentId, UserId)>, Error> {
        // What the index narrows down to; across the date line and around a pole, by latitude alone.
        let north = radius_m / METRES_A_DEGREE;
        let (south_edge, north_edge) = (latitude - north, latitude + north);
        let widest = south_edge.abs().max(north_edge.abs());
        let east = if widest < 89.0 { north / widest.to_radians().cos() } else { 360.0 };
        let (west_edge, east_edge) = (longitude - east, longitude + east);
        let (west_edge, east_edge) =
            if west_edge < -180.0 || east_edge > 180.0 { (-180.0, 180.0) } else { (west_edge, east_edge) };
        let rows = sqlx::query_as::<_, (Uuid, UserId)>(
            "SELECT id, author FROM contents
             WHERE kind = $1 AND deleted_at IS NULL AND id < $2
                 AND latitude BETWEEN $3 AND $4 AND longitude BETWEEN $5 AND $6
                 AND 2 * asin(sqrt(least(1.0, sin(radians(latitude - $7) / 2) ^ 2
                     + cos(radians($7)) * cos(radians(latitude)) * sin(radians(longitude - $8) / 2) ^ 2))) <= $9
             ORDER BY id DESC LIMIT $10",
        )
        .bind(ContentKind::Listing.number())
        .bind(before.map_or(Uuid::max(), ContentId::uuid))
        .bind(south_edge)
        .bind(north_edge)
        .bind(west_edge)
        .bind(east_edge)
        .bind(latitude)
        .bind(longitude)
        .bind(radius_m / EARTH_RADIUS_M)
        .bind(limit as i64)
        .fetch_all(self.store.db.pool());
        let rows = telemetry::timed("postgres", "content.listings_near", rows).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(id, author)| (ContentId::from_parts(ContentKind::Listing, id), author)).collect())
    }
}
