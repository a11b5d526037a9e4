//! How often viewers open the feed, and the class that follows from it.

use std::collections::HashMap;

use kernel::{Timestamp, UserId};
use parking_lot::Mutex;
use postgres::{Db, StoreResult, fault};

use crate::policy::{CLASSES, Class, Costs, Rate};
use crate::routes::{Crowd, RECHECK_AFTER, Route, SLACK};

/// Viewers whose opens are remembered until they are written; the open that fills it up writes them.
pub const PENDING_MAX: usize = 256;
/// Viewers who are looked at in one go.
const RECHECKED_AT_ONCE: i64 = 500;
/// Averages of fewer viewers than this say nothing.
const VIEWERS_MIN: i64 = 20;

/// In which class a viewer is and was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    pub class: Class,
    pub worst: Class,
    pub since: Timestamp,
}

impl Viewer {
    /// Who was never counted.
    pub const UNKNOWN: Self =
        Self { class: Class::LOWEST, worst: Class::LOWEST, since: Timestamp::from_millis(i64::MIN) };

    /// Whether something by `route`, published at `oldest` or later, may not have been pushed to this viewer.
    #[must_use]
    pub fn pulls(&self, route: &Route, oldest: Timestamp) -> bool {
        let class = if oldest < self.since { self.worst.min(self.class) } else { self.class };
        let reach = if oldest < route.since { route.worst.max(route.reach) } else { route.reach };
        !reach.pushes_to(class)
    }
}

pub(crate) struct Viewers {
    db: Db,
    /// Opens that are not written yet.
    pending: Mutex<HashMap<UserId, u32>>,
}

impl Viewers {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, pending: Mutex::default() }
    }

    pub(crate) async fn of(&self, viewer: UserId) -> StoreResult<Viewer> {
        let row = sqlx::query_as::<_, (i16, i16, Timestamp)>(
            "SELECT class, class_worst, since FROM feed_viewers WHERE viewer = $1",
        )
        .bind(viewer)
        .fetch_optional(self.db.pool());
        let row = telemetry::timed("postgres", "feed.viewer", row).await.map_err(fault)?;
        Ok(row.map_or(Viewer::UNKNOWN, |(class, worst, since)| Viewer {
            class: Class::from_number(class),
            worst: Class::from_number(worst),
            since,
        }))
    }

    /// Those of `viewers` who are in this class or above.
    pub(crate) async fn of_all(&self, viewers: &[UserId], least: Class) -> StoreResult<HashMap<UserId, Viewer>> {
        // Were thousands of ids plain to see for the planner, it would take longer to plan, and then read the whole table.
        let rows = sqlx::query_as::<_, (UserId, i16, i16, Timestamp)>(
            "SELECT viewer, class, class_worst, since FROM feed_viewers
             WHERE viewer = ANY(ARRAY(SELECT unnest($1::uuid[]))) AND class >= $2",
        )
        .bind(viewers)
        .bind(least.number())
        .fetch_all(self.db.pool());
        let rows = telemetry::timed("postgres", "feed.classes", rows).await.map_err(fault)?;
        let viewer = |(id, class, worst, since)| {
            (id, Viewer { class: Class::from_number(class), worst: Class::from_number(worst), since })
        };
        Ok(rows.into_iter().map(viewer).collect())
    }

    /// Remembers that somebody opened the feed. Whether it is time to write.
    pub(crate) fn opened(&self, viewer: UserId) -> bool {
        let mut pending = self.pending.lock();
        if pending.len() < PENDING_MAX || pending.contains_key(&viewer) {
            *pending.entry(viewer).or_default() += 1;
        }
        pending.len() >= PENDING_MAX
    }

    /// Writes what is remembered. What cannot be written is forgotten: it is an estimate.
    pub(crate) async fn write(&self, now: Timestamp) -> StoreResult<()> {
        let pending = std::mem::take(&mut *self.pending.lock());
        if pending.is_empty() {
            return Ok(());
        }
        let viewers: Vec<UserId> = pending.keys().copied().collect();
        self.change(&viewers, |viewer, rate| rate.counted(pending.get(&viewer).copied().unwrap_or(0), now), now).await
    }

    /// Lets those fall into lower classes who have not come for a while. Whether there may be more to do.
    pub(crate) async fn recheck(&self, now: Timestamp) -> StoreResult<bool> {
        let due: Vec<UserId> = sqlx::query_scalar(
            "SELECT viewer FROM feed_viewers WHERE counted_at < $1 AND class > 0 ORDER BY counted_at LIMIT $2",
        )
        .bind(now.minus(RECHECK_AFTER))
        .bind(RECHECKED_AT_ONCE)
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        self.change(&due, |_, rate| Rate::new(rate.per_day(now), now), now).await?;
        Ok(due.len() as i64 == RECHECKED_AT_ONCE)
    }

    async fn change(
        &self,
        viewers: &[UserId],
        change: impl Fn(UserId, Rate) -> Rate + Send,
        now: Timestamp,
    ) -> StoreResult<()> {
        type Row = (UserId, i16, i16, Timestamp, f64, Timestamp);
        if viewers.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT viewer, class, class_worst, since, opens, counted_at FROM feed_viewers
             WHERE viewer = ANY($1) ORDER BY viewer FOR UPDATE",
        )
        .bind(viewers)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
        let mut known: HashMap<UserId, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let mut new: Vec<Row> = Vec::with_capacity(viewers.len());
        for viewer in viewers {
            let row = known.remove(viewer).unwrap_or((*viewer, 0, 0, now, 0.0, now));
            let rate = change(*viewer, Rate::new(row.4, row.5));
            let (before, opens) = (Class::from_number(row.1), rate.per_day(now));
            let class = before.next(opens);
            // Who comes more often is pushed more from now on, and pulls what is older.
            let since = if class > before { now.plus(SLACK) } else { row.3 };
            new.push((*viewer, class.number(), class.number().min(row.2), since, rate.per_day(rate.at()), rate.at()));
        }
        new.sort_unstable_by_key(|row| row.0);
        sqlx::query(
            "INSERT INTO feed_viewers (viewer, class, class_worst, since, opens, counted_at)
             SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::timestamptz[], $5::float8[], $6::timestamptz[])
             ON CONFLICT (viewer) DO UPDATE SET class = excluded.class, class_worst = excluded.class_worst,
                 since = excluded.since, opens = excluded.opens, counted_at = excluded.counted_at",
        )
        .bind(new.iter().map(|row| row.0).collect::<Vec<_>>())
        .bind(new.iter().map(|row| row.1).collect::<Vec<_>>())
        .bind(new.iter().map(|row| row.2).collect::<Vec<_>>())
        .bind(new.iter().map(|row| row.3).collect::<Vec<_>>())
        .bind(new.iter().map(|row| row.4).collect::<Vec<_>>())
        .bind(new.iter().map(|row| row.5).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// How viewers are on average. Classes of which too few are known are as published figures suggest.
    pub(crate) async fn crowd(&self, costs: Costs) -> StoreResult<Crowd> {
        let rows =
            sqlx::query_as::<_, (i16, f64, i64)>("SELECT class, avg(opens), count(*) FROM feed_viewers GROUP BY class")
                .fetch_all(self.db.pool());
        let rows = telemetry::timed("postgres", "feed.crowd", rows).await.map_err(fault)?;
        let all: i64 = rows.iter().map(|row| row.2).sum();
        // Nobody is known yet: all followers may be of those who come most often.
        let mut crowd = Crowd { costs, shares: [0.0; CLASSES] };
        crowd.shares[CLASSES - 1] = if all < VIEWERS_MIN { 1.0 } else { 0.0 };
        for (class, opens, count) in rows {
            let class = Class::from_number(class).index();
            if all >= VIEWERS_MIN {
                crowd.shares[class] = count as f64 / all as f64;
            }
            if count >= VIEWERS_MIN {
                crowd.costs.opens_per_day[class] = opens;
            }
        }
        Ok(crowd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Reach;
    use kernel::ContentKind;

    #[test]
    fn what_may_not_have_been_pushed_is_pulled() {
        let at = Timestamp::from_millis;
        let route = |reach, worst| Route {
            author: UserId::floor(at(0)),
            kind: ContentKind::Post,
            reach: Reach::from_number(reach),
            worst: Reach::from_number(worst),
            since: at(100),
        };
        let viewer = |class, worst| Viewer {
            class: Class::from_number(class),
            worst: Class::from_number(worst),
            since: at(200),
        };
        for (viewer, route, oldest, pulls) in [
            (viewer(2, 2), route(2, 2), 0, false),
            (viewer(1, 1), route(2, 2), 999, true),
            // Once pulled by all: for what is older.
            (viewer(2, 2), route(0, 4), 99, true),
            (viewer(2, 2), route(0, 4), 100, false),
            // Came seldom once: for what is older.
            (viewer(3, 0), route(1, 1), 199, true),
            (viewer(3, 0), route(1, 1), 200, false),
            (viewer(3, 0), route(0, 0), 0, false),
            // Neither alone, but both together.
            (viewer(3, 1), route(0, 2), 99, true),
            (viewer(3, 1), route(0, 2), 150, false),
        ] {
            assert_eq!(viewer.pulls(&route, at(oldest)), pulls, "{viewer:?} {route:?} from {oldest}");
        }
        assert!(Viewer::UNKNOWN.pulls(&route(1, 1), at(i64::MAX)) && !Viewer::UNKNOWN.pulls(&route(0, 0), at(0)));
    }
}
