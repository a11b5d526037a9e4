//! What is made near the place that the viewer named.

use std::time::Duration;

use async_trait::async_trait;
use postgres::{Db, fault};
use rank::Source as Reason;

use super::{Proposal, Source, proposals};
use crate::Error;
use crate::model::Area;
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;

const PROPOSED_MAX: i64 = 40;
const METRES_A_DEGREE: f64 = 111_320.0;
const AGE_MAX: Duration = rank::filter::AGE_MAX;

pub struct Near(pub Db);

/// How far apart two places are, in metres (haversine).
pub fn metres(area: &Area, latitude: f64, longitude: f64) -> f64 {
    let (a, b) = (area.latitude.to_radians(), latitude.to_radians());
    let half = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
    let chord = half(a, b) + a.cos() * b.cos() * half(area.longitude.to_radians(), longitude.to_radians());
    2.0 * 6_371_000.0 * chord.sqrt().min(1.0).asin()
}

#[async_trait]
impl Source for Near {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.near", Duration::from_millis(300))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let Some(area) = query.asked.near else { return Ok(Vec::new()) };
        let up = area.radius_m / METRES_A_DEGREE;
        // A box that holds the circle, but for what lies beyond the date line or at the poles.
        let aside = up / area.latitude.to_radians().cos().max(0.01);
        let rows = sqlx::query_as(
            "SELECT id, kind, author FROM feed_items
             WHERE latitude BETWEEN $1 AND $2 AND longitude BETWEEN $3 AND $4 AND created_at > $5
             ORDER BY heat DESC LIMIT $6",
        )
        .bind(area.latitude - up)
        .bind(area.latitude + up)
        .bind(area.longitude - aside)
        .bind(area.longitude + aside)
        .bind(query.now().minus(AGE_MAX))
        .bind(PROPOSED_MAX)
        .fetch_all(self.0.pool())
        .await
        .map_err(fault)?;
        Ok(proposals(rows, Reason::Near))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_on_the_globe() {
        let berlin = Area { latitude: 52.52, longitude: 13.405, radius_m: 1_000.0 };
        assert!(metres(&berlin, 52.52, 13.405) < 0.1);
        let paris = metres(&berlin, 48.857, 2.352);
        assert!((870_000.0..885_000.0).contains(&paris), "{paris}");
    }
}
