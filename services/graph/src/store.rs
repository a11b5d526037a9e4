//! The SQL of changes between two people.

use kernel::{StoreError, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, Transaction};
use telemetry::timed;

use crate::model::{Between, Change, Edge, Load, Side};

/// What is between two people, and what one may know of the other.
#[derive(FromRow)]
struct BetweenRow {
    i_follow: bool,
    i_asked: bool,
    i_block: bool,
    i_mute: bool,
    i_count_close: bool,
    they_follow: bool,
    they_asked: bool,
    they_block: bool,
    they_mute: bool,
    they_count_close: bool,
}

impl From<BetweenRow> for Between {
    fn from(row: BetweenRow) -> Self {
        Self {
            mine: Side {
                follows: row.i_follow,
                requested: row.i_asked,
                blocks: row.i_block,
                mutes: row.i_mute,
                close_friend: row.i_count_close,
            },
            theirs: Side {
                follows: row.they_follow,
                requested: row.they_asked,
                blocks: row.they_block,
                mutes: row.they_mute,
                close_friend: row.they_count_close,
            },
        }
    }
}

#[derive(FromRow)]
struct LoadRow {
    user_id: UserId,
    following: i64,
    requests_out: i64,
    blocks: i64,
    mutes: i64,
    close_friends: i64,
}

/// Begins a transaction with a lock on two people, always taken in the order of their ids, so that no two changes wait for
/// each other; returns it with how much `me` has. What is read in it afterwards stays true until its end.
pub(crate) async fn begin(db: &Db, me: UserId, them: UserId) -> StoreResult<(Transaction<'static, Postgres>, Load)> {
    let pair = [me.min(them), me.max(them)];
    let mut tx = db.begin().await?;
    let mut rows = lock_rows(&mut tx, &pair).await?;
    if rows.len() < pair.len() {
        // Not in the same transaction: a row made here while another is locked is a lock out of order.
        tx.rollback().await.map_err(fault)?;
        add_rows(db, &pair).await?;
        tx = db.begin().await?;
        rows = lock_rows(&mut tx, &pair).await?;
    }
    let mine = rows.into_iter().find(|row| row.user_id == me);
    let mine = mine.ok_or_else(|| StoreError::broken("a person has no row in the graph"))?;
    let load = Load {
        following: mine.following.unsigned_abs(),
        requests_out: mine.requests_out.unsigned_abs(),
        blocks: mine.blocks.unsigned_abs(),
        mutes: mine.mutes.unsigned_abs(),
        close_friends: mine.close_friends.unsigned_abs(),
    };
    Ok((tx, load))
}

async fn add_rows(db: &Db, pair: &[UserId; 2]) -> StoreResult<()> {
    sqlx::query("INSERT INTO graph_people (user_id) VALUES ($1), ($2) ON CONFLICT DO NOTHING")
        .bind(pair[0])
        .bind(pair[1])
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(fault)
}

async fn lock_rows(tx: &mut PgConnection, pair: &[UserId]) -> StoreResult<Vec<LoadRow>> {
    let query = sqlx::query_as(
        "SELECT user_id, following, requests_out, blocks, mutes, close_friends FROM graph_people
         WHERE user_id = ANY($1) ORDER BY user_id FOR NO KEY UPDATE",
    )
    .bind(pair)
    .fetch_all(tx);
    timed("postgres", "graph.lock", query).await.map_err(fault)
}

pub(crate) async fn between(db: impl PgExecutor<'_>, me: UserId, them: UserId) -> StoreResult<Between> {
    let query = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM follows WHERE source = $1 AND target = $2) AS i_follow,
                EXISTS (SELECT FROM follow_requests WHERE source = $1 AND target = $2) AS i_asked,
                EXISTS (SELECT FROM blocks WHERE source = $1 AND target = $2) AS i_block,
                EXISTS (SELECT FROM mutes WHERE source = $1 AND target = $2) AS i_mute,
                EXISTS (SELECT FROM close_friends WHERE source = $1 AND target = $2) AS i_count_close,
                EXISTS (SELECT FROM follows WHERE source = $2 AND target = $1) AS they_follow,
                EXISTS (SELECT FROM follow_requests WHERE source = $2 AND target = $1) AS they_asked,
                EXISTS (SELECT FROM blocks WHERE source = $2 AND target = $1) AS they_block,
                EXISTS (SELECT FROM mutes WHERE source = $2 AND target = $1) AS they_mute,
                EXISTS (SELECT FROM close_friends WHERE source = $2 AND target = $1) AS they_count_close",
    )
    .bind(me)
    .bind(them)
    .fetch_one(db);
    let row: BetweenRow = timed("postgres", "graph.between", query).await.map_err(fault)?;
    Ok(row.into())
}

const fn begin_sql(edge: Edge) -> &'static str {
    match edge {
        Edge::Follow => "INSERT INTO follows (source, target, created_at) VALUES ($1, $2, $3)",
        Edge::Request => "INSERT INTO follow_requests (source, target, created_at) VALUES ($1, $2, $3)",
        Edge::Block => "INSERT INTO blocks (source, target, created_at) VALUES ($1, $2, $3)",
        Edge::Mute => "INSERT INTO mutes (source, target, created_at) VALUES ($1, $2, $3)",
        Edge::CloseFriend => "INSERT INTO close_friends (source, target, created_at) VALUES ($1, $2, $3)",
    }
}

const fn end_sql(edge: Edge) -> &'static str {
    match edge {
        Edge::Follow => "DELETE FROM follows WHERE source = $1 AND target = $2",
        Edge::Request => "DELETE FROM follow_requests WHERE source = $1 AND target = $2",
        Edge::Block => "DELETE FROM blocks WHERE source = $1 AND target = $2",
        Edge::Mute => "DELETE FROM mutes WHERE source = $1 AND target = $2",
        Edge::CloseFriend => "DELETE FROM close_friends WHERE source = $1 AND target = $2",
    }
}

/// By how much a person's counts move.
#[derive(Debug, Default, Clone, Copy)]
struct Deltas {
    followers: i64,
    following: i64,
    requests_in: i64,
    requests_out: i64,
    blocks: i64,
    mutes: i64,
    close_friends: i64,
}

/// Writes changes between two locked people, and their counts.
pub(crate) async fn apply(
    tx: &mut PgConnection,
    me: UserId,
    them: UserId,
    changes: &[Change],
    now: Timestamp,
) -> StoreResult<()> {
    let (mut mine, mut theirs) = (Deltas::default(), Deltas::default());
    for change in changes {
        let (source, target) = if change.mine { (me, them) } else { (them, me) };
        let query = if change.begins {
            sqlx::query(begin_sql(change.edge)).bind(source).bind(target).bind(now)
        } else {
            sqlx::query(end_sql(change.edge)).bind(source).bind(target)
        };
        query.execute(&mut *tx).await.map_err(fault)?;

        let (from, to) = if change.mine { (&mut mine, &mut theirs) } else { (&mut theirs, &mut mine) };
        let step = if change.begins { 1 } else { -1 };
        match change.edge {
            Edge::Follow => (from.following, to.followers) = (from.following + step, to.followers + step),
            Edge::Request => (from.requests_out, to.requests_in) = (from.requests_out + step, to.requests_in + step),
            Edge::Block => from.blocks += step,
            Edge::Mute => from.mutes += step,
            Edge::CloseFriend => from.close_friends += step,
        }
    }
    move_counts(tx, [(me, mine), (them, theirs)]).await
}

async fn move_counts(tx: &mut PgConnection, moves: [(UserId, Deltas); 2]) -> StoreResult<()> {
    let column = |pick: fn(&Deltas) -> i64| moves.iter().map(|(_, deltas)| pick(deltas)).collect::<Vec<i64>>();
    let query = sqlx::query(
        "UPDATE graph_people p SET
             followers = p.followers + d.followers, following = p.following + d.following,
             requests_in = p.requests_in + d.requests_in, requests_out = p.requests_out + d.requests_out,
             blocks = p.blocks + d.blocks, mutes = p.mutes + d.mutes,
             close_friends = p.close_friends + d.close_friends
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[])
             AS d (user_id, followers, following, requests_in, requests_out, blocks, mutes, close_friends)
         WHERE p.user_id = d.user_id",
    )
    .bind(moves.map(|(user, _)| user).to_vec())
    .bind(column(|d| d.followers))
    .bind(column(|d| d.following))
    .bind(column(|d| d.requests_in))
    .bind(column(|d| d.requests_out))
    .bind(column(|d| d.blocks))
    .bind(column(|d| d.mutes))
    .bind(column(|d| d.close_friends))
    .execute(tx);
    timed("postgres", "graph.counts", query).await.map(drop).map_err(fault)
}

/// People with whom `user` has anything, either way; up to `count` of them.
pub(crate) async fn counterparts(db: &Db, user: UserId, count: i64) -> StoreResult<Vec<UserId>> {
    sqlx::query_scalar(
        "SELECT target FROM follows WHERE source = $1 UNION SELECT source FROM follows WHERE target = $1
         UNION SELECT target FROM follow_requests WHERE source = $1
         UNION SELECT source FROM follow_requests WHERE target = $1
         UNION SELECT target FROM blocks WHERE source = $1 UNION SELECT source FROM blocks WHERE target = $1
         UNION SELECT target FROM mutes WHERE source = $1 UNION SELECT source FROM mutes WHERE target = $1
         UNION SELECT target FROM close_friends WHERE source = $1
         UNION SELECT source FROM close_friends WHERE target = $1
         LIMIT $2",
    )
    .bind(user)
    .bind(count)
    .fetch_all(db.pool())
    .await
    .map_err(fault)
}
