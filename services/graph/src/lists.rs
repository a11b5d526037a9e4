//! Lists of people, the newest first, and what other slices ask in batches.

use std::collections::HashMap;

use kernel::{Cursor, PageSize, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::graph::Counts;
use sqlx::PgExecutor;
use telemetry::timed;
use uuid::Uuid;

/// Which list, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// Seen by `viewer`, from whom people are hidden when either blocks the other.
    Followers {
        of: UserId,
        viewer: UserId,
    },
    Following {
        of: UserId,
        viewer: UserId,
    },
    RequestsIn(UserId),
    RequestsOut(UserId),
    Blocks(UserId),
    Mutes(UserId),
    CloseFriends(UserId),
}

/// Where a page of a list ends: in the order of the list, so that what is added meanwhile moves nothing.
pub(crate) type Place = (Timestamp, UserId);

/// Before the first of any list.
const START: Place = (Timestamp::from_millis(253_402_300_799_000), UserId::from_uuid(Uuid::max()));

pub(crate) fn place_of(cursor: Option<&Cursor>) -> Result<Place, kernel::CursorError> {
    cursor.map_or(Ok(START), Cursor::decode)
}

/// People at the `$other` end of `$table` for whom `$1` stands at the `$mine` end, after the place `$2`, `$3`.
macro_rules! list_sql {
    ($table:literal, $mine:literal, $other:literal) => {
        list_sql!($table, $mine, $other, "")
    };
    ($table:literal, $mine:literal, $other:literal, $and:literal) => {
        concat!(
            "SELECT ",
            $other,
            " AS other, created_at FROM ",
            $table,
            " WHERE ",
            $mine,
            " = $1 AND (created_at, ",
            $other,
            ") < ($2, $3) ",
            $and,
            " ORDER BY created_at DESC, ",
            $other,
            " DESC LIMIT $4"
        )
    };
}

const FOLLOWERS: &str = list_sql!(
    "follows",
    "target",
    "source",
    "AND NOT EXISTS (SELECT FROM blocks b WHERE b.source = follows.source AND b.target = $5)
     AND NOT EXISTS (SELECT FROM blocks b WHERE b.source = $5 AND b.target = follows.source)"
);
const FOLLOWING: &str = list_sql!(
    "follows",
    "source",
    "target",
    "AND NOT EXISTS (SELECT FROM blocks b WHERE b.source = follows.target AND b.target = $5)
     AND NOT EXISTS (SELECT FROM blocks b WHERE b.source = $5 AND b.target = follows.target)"
);
const REQUESTS_IN: &str = list_sql!("follow_requests", "target", "source");
const REQUESTS_OUT: &str = list_sql!("follow_requests", "source", "target");
const BLOCKS: &str = list_sql!("blocks", "source", "target");
const MUTES: &str = list_sql!("mutes", "source", "target");
const CLOSE_FRIENDS: &str = list_sql!("close_friends", "source", "target");

/// Up to one more than a page of people in a list, and since when they are there.
pub(crate) async fn read(db: &Db, list: List, after: Place, size: PageSize) -> StoreResult<Vec<(UserId, Timestamp)>> {
    let (sql, owner, viewer) = match list {
        List::Followers { of, viewer } => (FOLLOWERS, of, Some(viewer)),
        List::Following { of, viewer } => (FOLLOWING, of, Some(viewer)),
        List::RequestsIn(me) => (REQUESTS_IN, me, None),
        List::RequestsOut(me) => (REQUESTS_OUT, me, None),
        List::Blocks(me) => (BLOCKS, me, None),
        List::Mutes(me) => (MUTES, me, None),
        List::CloseFriends(me) => (CLOSE_FRIENDS, me, None),
    };
    let mut query = sqlx::query_as(sql).bind(owner).bind(after.0).bind(after.1).bind(size.plus_one());
    if let Some(viewer) = viewer {
        query = query.bind(viewer);
    }
    timed("postgres", "graph.list", query.fetch_all(db.pool())).await.map_err(fault)
}

/// What other slices need to know between two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The viewer follows the other.
    pub follows: bool,
    pub followed_by: bool,
    /// Either blocks the other.
    pub blocked: bool,
    /// The viewer mutes the other.
    pub mutes: bool,
    /// The other counts the viewer among the close friends: not for the viewer to know.
    pub close_friend: bool,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    other: UserId,
    follows: bool,
    followed_by: bool,
    blocked: bool,
    mutes: bool,
    close_friend: bool,
}

pub(crate) async fn standings(db: &Db, viewer: UserId, others: &[UserId]) -> StoreResult<HashMap<UserId, Standing>> {
    let query = sqlx::query_as(
        "SELECT o.other,
                EXISTS (SELECT FROM follows WHERE source = $1 AND target = o.other) AS follows,
                EXISTS (SELECT FROM follows WHERE source = o.other AND target = $1) AS followed_by,
                EXISTS (SELECT FROM blocks WHERE source = $1 AND target = o.other)
                    OR EXISTS (SELECT FROM blocks WHERE source = o.other AND target = $1) AS blocked,
                EXISTS (SELECT FROM mutes WHERE source = $1 AND target = o.other) AS mutes,
                EXISTS (SELECT FROM close_friends WHERE source = o.other AND target = $1) AS close_friend
         FROM unnest((SELECT $2::uuid[])) AS o (other)",
    )
    .bind(viewer)
    .bind(others)
    .fetch_all(db.pool());
    let rows: Vec<StandingRow> = timed("postgres", "graph.standings", query).await.map_err(fault)?;
    let standing = |row: StandingRow| {
        let StandingRow { other, follows, followed_by, blocked, mutes, close_friend } = row;
        (other, Standing { follows, followed_by, blocked, mutes, close_friend })
    };
    Ok(rows.into_iter().map(standing).collect())
}

/// Of each pair, whether one blocks the other.
pub(crate) async fn blocked(at: impl PgExecutor<'_>, pairs: &[(UserId, UserId)]) -> StoreResult<Vec<bool>> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let (ones, others): (Vec<UserId>, Vec<UserId>) = pairs.iter().copied().unzip();
    // Arrays whose length the planner cannot see have it keep one plan; planning each time would cost four times the look.
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM blocks WHERE source = one AND target = other)
             OR EXISTS (SELECT FROM blocks WHERE source = other AND target = one)
         FROM unnest((SELECT $1::uuid[]), (SELECT $2::uuid[])) WITH ORDINALITY asked (one, other, place) ORDER BY place",
    )
    .bind(ones)
    .bind(others)
    .fetch_all(at);
    timed("postgres", "graph.blocked", query).await.map_err(fault)
}

/// Followers of `author` after `after`, in the order of their ids.
pub(crate) async fn followers(db: &Db, author: UserId, after: Option<UserId>, count: i64) -> StoreResult<Vec<UserId>> {
    let query =
        sqlx::query_scalar("SELECT source FROM follows WHERE target = $1 AND source > $2 ORDER BY source LIMIT $3")
            .bind(author)
            .bind(after.unwrap_or(UserId::from_uuid(Uuid::nil())))
            .bind(count)
            .fetch_all(db.pool());
    timed("postgres", "graph.followers", query).await.map_err(fault)
}

/// Some followers of each, and how many there are.
pub(crate) async fn first_followers(
    db: &Db,
    authors: &[UserId],
    count: i64,
) -> StoreResult<Vec<(UserId, Vec<UserId>, u64)>> {
    let query = sqlx::query_as(
        "SELECT asked.author,
                ARRAY (SELECT source FROM follows WHERE target = asked.author ORDER BY source LIMIT $2),
                coalesce(people.followers, 0)
         FROM unnest($1::uuid[]) AS asked (author) LEFT JOIN graph_people people ON people.user_id = asked.author",
    )
    .bind(authors)
    .bind(count)
    .fetch_all(db.pool());
    let rows: Vec<(UserId, Vec<UserId>, i64)> =
        timed("postgres", "graph.first_followers", query).await.map_err(fault)?;
    Ok(rows.into_iter().map(|(author, first, count)| (author, first, count.unsigned_abs())).collect())
}

/// Everybody whom `viewer` follows.
pub(crate) async fn followings(db: &Db, viewer: UserId) -> StoreResult<Vec<UserId>> {
    let query = sqlx::query_scalar("SELECT target FROM follows WHERE source = $1").bind(viewer).fetch_all(db.pool());
    timed("postgres", "graph.followings", query).await.map_err(fault)
}

/// Everybody whom `viewer` follows and does not mute.
pub(crate) async fn heard_followings(db: &Db, viewer: UserId) -> StoreResult<Vec<UserId>> {
    let query = sqlx::query_scalar(
        "SELECT target FROM follows WHERE source = $1 AND target NOT IN (SELECT target FROM mutes WHERE source = $1)",
    )
    .bind(viewer)
    .fetch_all(db.pool());
    timed("postgres", "graph.heard_followings", query).await.map_err(fault)
}

/// Those whom `viewer` follows who have at least `followers_min` followers.
pub(crate) async fn popular_followings(db: &Db, viewer: UserId, followers_min: i64) -> StoreResult<Vec<UserId>> {
    let query = sqlx::query_scalar(
        "SELECT f.target FROM follows f JOIN graph_people p ON p.user_id = f.target
         WHERE f.source = $1 AND p.followers >= $2",
    )
    .bind(viewer)
    .bind(followers_min)
    .fetch_all(db.pool());
    timed("postgres", "graph.popular_followings", query).await.map_err(fault)
}

/// Counts of those who have any.
pub(crate) async fn counts_of(db: &Db, users: &[UserId]) -> StoreResult<HashMap<UserId, Counts>> {
    let query = sqlx::query_as("SELECT user_id, followers, following FROM graph_people WHERE user_id = ANY($1)")
        .bind(users)
        .fetch_all(db.pool());
    let rows: Vec<(UserId, i64, i64)> = timed("postgres", "graph.counts_of", query).await.map_err(fault)?;
    let counts = |followers: i64, following: i64| Counts {
        followers: followers.unsigned_abs(),
        following: following.unsigned_abs(),
    };
    Ok(rows.into_iter().map(|(user, followers, following)| (user, counts(followers, following))).collect())
}
