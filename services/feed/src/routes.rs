//! What is decided for authors: to whom their content of each kind is pushed.

use std::collections::HashMap;

use kernel::{ContentKind, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::model::Source;
use crate::policy::{Author, CLASSES, Class, Costs, Rate, Reach, decide};
use crate::settings::Distribution;

/// How far clocks of processes may be apart, and how long a change may take to be written: so much after a change of a
/// decision, what is published may still have gone the old way.
pub(crate) const SLACK: std::time::Duration = std::time::Duration::from_secs(60);
/// After so long, a decision is looked at again although its author publishes nothing.
pub const RECHECK_AFTER: std::time::Duration = std::time::Duration::from_hours(1);
/// Decisions that are looked at in one go.
const RECHECKED_AT_ONCE: i64 = 500;

/// Kinds that go into timelines. Stories have their tray, comments stay below what they are about.
pub const IN_TIMELINES: [ContentKind; 4] =
    [ContentKind::Post, ContentKind::Reel, ContentKind::Livestream, ContentKind::Listing];

/// To whom an author's content of one kind is and was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub author: UserId,
    pub kind: ContentKind,
    pub reach: Reach,
    pub worst: Reach,
    pub since: Timestamp,
}

/// How viewers are, as decisions take it into account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crowd {
    pub costs: Costs,
    /// Which part of those who ever open the feed is in each class.
    pub shares: [f64; CLASSES],
}

pub(crate) struct Routes {
    db: Db,
    distribution: Distribution,
    pull_min: u64,
}

/// Something that was published, and how many follow its author.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) source: Source,
    pub(crate) followers: u64,
    pub(crate) at: Timestamp,
}

struct Row {
    reach: i16,
    reach_worst: i16,
    since: Timestamp,
    rate: f64,
    counted_at: Timestamp,
    followers: i64,
}

/// Decisions in somebody's hands.
pub(crate) struct Locked<'a> {
    routes: &'a Routes,
    tx: Transaction<'static, Postgres>,
    /// All that were asked for, in order.
    sources: Vec<Source>,
    /// Those of which something was decided before.
    rows: HashMap<Source, Row>,
}

impl Routes {
    pub(crate) const fn new(db: Db, distribution: Distribution, pull_min: u64) -> Self {
        Self { db, distribution, pull_min }
    }

    /// Reads what was decided for `sources`. Nobody else changes it until [`Locked::published`], or until this is dropped.
    pub(crate) async fn lock(&self, mut sources: Vec<Source>) -> StoreResult<Locked<'_>> {
        sources.sort_unstable_by_key(|source| (source.author, source.kind.number()));
        sources.dedup();
        let mut tx = self.db.begin().await?;
        let rows = telemetry::timed("postgres", "feed.routes.lock", locked(&mut tx, &sources)).await.map_err(fault)?;
        Ok(Locked { routes: self, tx, sources, rows })
    }

    /// To whom an author's content is pushed now.
    pub(crate) async fn reach(&self, author: UserId, kind: ContentKind) -> StoreResult<Reach> {
        let reach = sqlx::query_scalar("SELECT reach FROM feed_routes WHERE author = $1 AND kind = $2")
            .bind(author)
            .bind(kind.number())
            .fetch_optional(self.db.pool());
        let reach = telemetry::timed("postgres", "feed.reach", reach).await.map_err(fault)?;
        Ok(reach.map_or(Reach::EVERYBODY, Reach::from_number))
    }

    /// What was decided for those of `authors` from whom a viewer has to pull who was never in a class below `worst`.
    pub(crate) async fn of(&self, authors: &[UserId], worst: Class) -> StoreResult<Vec<Route>> {
        if authors.is_empty() {
            return Ok(Vec::new());
        }
        type Found = (UserId, i16, i16, i16, Timestamp);
        let rows = sqlx::query_as::<_, Found>(
            "SELECT author, kind, reach, reach_worst, since FROM feed_routes
             WHERE author = ANY($1) AND reach_worst > $2",
        )
        .bind(authors)
        .bind(worst.number())
        .fetch_all(self.db.pool());
        let rows = telemetry::timed("postgres", "feed.routes", rows).await.map_err(fault)?;
        let route = |(author, kind, reach, worst, since)| {
            // Of a kind that is not known here, nothing can be shown.
            let kind = ContentKind::from_number(kind)?;
            Some(Route { author, kind, reach: Reach::from_number(reach), worst: Reach::from_number(worst), since })
        };
        Ok(rows.into_iter().filter_map(route).collect())
    }

    /// Decides anew for authors who are not pushed to everybody and have not published for a while: somebody who fell silent
    /// costs nothing when pushed. Whether there may be more to do.
    pub(crate) async fn recheck(&self, crowd: &Crowd, now: Timestamp) -> StoreResult<bool> {
        type Due = (UserId, i16, i16, i16, Timestamp, f64, Timestamp, i64);
        let mut tx = self.db.begin().await?;
        let due: Vec<Due> = sqlx::query_as(
            "SELECT author, kind, reach, reach_worst, since, rate, counted_at, followers FROM feed_routes
             WHERE checked_at < $1 AND reach > 0 ORDER BY checked_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        )
        .bind(now.minus(RECHECK_AFTER))
        .bind(RECHECKED_AT_ONCE)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
        let more = due.len() as i64 == RECHECKED_AT_ONCE;
        let (mut authors, mut kinds, mut reaches, mut worsts, mut sinces) = (vec![], vec![], vec![], vec![], vec![]);
        for (author, kind, reach, reach_worst, since, rate, counted_at, followers) in due {
            let mut row = Row { reach, reach_worst, since, rate, counted_at, followers };
            let rate = Rate::new(rate, counted_at).per_day(now);
            row.turn(self.next(Reach::from_number(reach), rate, followers.unsigned_abs(), crowd), now);
            authors.push(author);
            kinds.push(kind);
            reaches.push(row.reach);
            worsts.push(row.reach_worst);
            sinces.push(row.since);
        }
        sqlx::query(
            "UPDATE feed_routes SET reach = new.reach, reach_worst = new.reach_worst, since = new.since, checked_at = $6
             FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::smallint[], $5::timestamptz[])
                 AS new (author, kind, reach, reach_worst, since)
             WHERE feed_routes.author = new.author AND feed_routes.kind = new.kind",
        )
        .bind(authors)
        .bind(kinds)
        .bind(reaches)
        .bind(worsts)
        .bind(sinces)
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(more)
    }

    fn next(&self, now: Reach, posts_per_day: f64, followers: u64, crowd: &Crowd) -> Reach {
        match self.distribution {
            Distribution::Push => Reach::EVERYBODY,
            Distribution::Followers if followers >= self.pull_min => Reach::NOBODY,
            Distribution::Followers if followers >= self.pull_min / 2 => now,
            Distribution::Followers => Reach::EVERYBODY,
            Distribution::Rule => {
                let followers = crowd.shares.map(|share| share * followers as f64);
                decide(now, &Author { posts_per_day, followers }, &crowd.costs)
            }
        }
    }
}

impl Locked<'_> {
    /// Counts what was published, decides anew, and says to whom it is pushed. Decisions are durable before they are acted
    /// upon, so that a reader finds by pulling whatever is not pushed.
    pub(crate) async fn published(
        self,
        published: &[Published],
        crowd: &Crowd,
        now: Timestamp,
    ) -> StoreResult<HashMap<Source, Reach>> {
        let Self { routes, mut tx, sources, mut rows } = self;
        let mut reaches = HashMap::with_capacity(sources.len());
        for it in published {
            let row = rows.entry(it.source).or_insert_with(|| Row::new(it.at, now));
            // An event that comes again was counted.
            if it.at > row.counted_at {
                let rate = Rate::new(row.rate, row.counted_at).counted(1, it.at);
                (row.rate, row.counted_at) = (rate.per_day(rate.at()), rate.at());
            }
            row.followers = i64::try_from(it.followers).unwrap_or(i64::MAX);
            let before = Reach::from_number(row.reach);
            let rate = Rate::new(row.rate, row.counted_at).per_day(now);
            let reach = routes.next(before, rate, it.followers, crowd);
            row.turn(reach, now);
            reaches.insert(it.source, reach);
            if before != reach {
                let Source { author, kind } = it.source;
                tracing::debug!(%author, %kind, it.followers, from = before.number(), to = reach.number(), "goes out another way");
            }
        }
        let rows: Vec<&Row> = sources.iter().filter_map(|source| rows.get(source)).collect();
        let write = sqlx::query(
            "INSERT INTO feed_routes
                 (author, kind, reach, reach_worst, since, rate, counted_at, followers, checked_at)
             SELECT *, $9 FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::smallint[], $5::timestamptz[],
                 $6::float8[], $7::timestamptz[], $8::bigint[])
             ON CONFLICT (author, kind) DO UPDATE SET reach = excluded.reach, reach_worst = excluded.reach_worst,
                 since = excluded.since, rate = excluded.rate, counted_at = excluded.counted_at,
                 followers = excluded.followers, checked_at = excluded.checked_at",
        )
        .bind(sources.iter().map(|source| source.author).collect::<Vec<_>>())
        .bind(sources.iter().map(|source| source.kind.number()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.reach).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.reach_worst).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.since).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.rate).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.counted_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.followers).collect::<Vec<_>>())
        .bind(now)
        .execute(&mut *tx);
        telemetry::timed("postgres", "feed.routes.write", write).await.map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(reaches)
    }
}

impl Row {
    /// Of somebody who publishes for the first time.
    const fn new(published_at: Timestamp, now: Timestamp) -> Self {
        let (reach, reach_worst) = (Reach::EVERYBODY.number(), Reach::EVERYBODY.number());
        let counted_at = published_at.minus(std::time::Duration::from_millis(1));
        Self { reach, reach_worst, since: now, rate: 0.0, counted_at, followers: 0 }
    }

    fn turn(&mut self, reach: Reach, now: Timestamp) {
        if reach < Reach::from_number(self.reach) {
            self.since = now.plus(SLACK);
        }
        self.reach = reach.number();
        self.reach_worst = self.reach_worst.max(self.reach);
    }
}

async fn locked(tx: &mut PgConnection, sources: &[Source]) -> Result<HashMap<Source, Row>, sqlx::Error> {
    type Found = (UserId, i16, i16, i16, Timestamp, f64, Timestamp, i64);
    let rows: Vec<Found> = sqlx::query_as(
        "SELECT author, kind, reach, reach_worst, since, rate, counted_at, followers FROM feed_routes
         WHERE (author, kind) IN (SELECT * FROM unnest($1::uuid[], $2::smallint[])) ORDER BY author, kind FOR UPDATE",
    )
    .bind(sources.iter().map(|source| source.author).collect::<Vec<_>>())
    .bind(sources.iter().map(|source| source.kind.number()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let row = |(author, kind, reach, reach_worst, since, rate, counted_at, followers): Found| {
        let source = Source { author, kind: ContentKind::from_number(kind)? };
        Some((source, Row { reach, reach_worst, since, rate, counted_at, followers }))
    };
    Ok(rows.into_iter().filter_map(row).collect())
}
