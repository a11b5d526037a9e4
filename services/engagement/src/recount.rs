//! Proves that counts are the number of rows, and repairs those that are not.

use kernel::StoreError;
use postgres::{Db, StoreResult, fault};
use telemetry::timed;
use uuid::Uuid;

use crate::kinds::What;
use crate::store::{self, Delta};

/// Content that is compared in one statement.
const CHUNK: i32 = 500;
/// Differences that a report names.
const NAMED_MAX: usize = 50;
/// Repairs take turns.
const TURN: i64 = 0x0070_6c61_7a61_3535;

/// A count that is not the number of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub content: Uuid,
    /// `None`: of a newer version of Plaza.
    pub what: Option<What>,
    pub value: i16,
    pub rows: i64,
    pub counted: i64,
}

/// How far a recount is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub contents: u64,
    pub counts: u64,
    pub wrong: u64,
    /// The first of those that are wrong.
    pub differences: Vec<Difference>,
    pub repaired: bool,
}

/// Of each content in a part of the order of ids: rows and counters, seen in one snapshot. In it they must agree, because
/// whatever changes them changes both in one transaction.
const COMPARE: &str = "
    WITH RECURSIVE ids (content, n) AS (
        SELECT LEAST(
            (SELECT e.content FROM engagement_edges e WHERE e.content > $1 ORDER BY e.content LIMIT 1),
            (SELECT c.content FROM engagement_counters c WHERE c.content > $1 ORDER BY c.content LIMIT 1)), 1
        UNION ALL
        SELECT LEAST(
            (SELECT e.content FROM engagement_edges e WHERE e.content > ids.content ORDER BY e.content LIMIT 1),
            (SELECT c.content FROM engagement_counters c WHERE c.content > ids.content ORDER BY c.content LIMIT 1)), n + 1
        FROM ids WHERE ids.content IS NOT NULL AND n < $2
    ),
    there AS (
        SELECT content, what, value, count(*) AS n FROM engagement_edges
        WHERE content IN (SELECT content FROM ids) GROUP BY content, what, value
    ),
    counted AS (
        SELECT content, what, value, sum(count)::bigint AS n FROM engagement_counters
        WHERE content IN (SELECT content FROM ids) GROUP BY content, what, value
    )
    SELECT content, what, value, coalesce(there.n, 0), coalesce(counted.n, 0)
    FROM there FULL JOIN counted USING (content, what, value) ORDER BY content, what, value";

/// Compares everything, a chunk at a time, while traffic goes on; with `repair`, makes counts what they should be. A difference does
/// not depend on what is done meanwhile, since that moves rows and counts alike: adding it is right whenever it happens.
pub async fn recount(db: &Db, repair: bool, mut progress: impl FnMut(&Report)) -> StoreResult<Report> {
    let mut report = Report { repaired: repair, ..Report::default() };
    let mut after = Uuid::nil();
    loop {
        let mut tx = store::begin(db).await?;
        if repair {
            let turn = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TURN).execute(&mut *tx);
            turn.await.map_err(fault)?;
        }
        let query = sqlx::query_as(COMPARE).bind(after).bind(CHUNK).fetch_all(&mut *tx);
        let rows: Vec<(Uuid, i16, i16, i64, i64)> =
            timed("postgres", "engagement.recount", query).await.map_err(fault)?;
        let Some(&(last, ..)) = rows.last() else { return Ok(report) };
        if last <= after {
            return Err(StoreError::broken("a recount does not get on"));
        }
        after = last;
        let mut contents: Vec<Uuid> = rows.iter().map(|(content, ..)| *content).collect();
        contents.dedup();
        report.contents += contents.len() as u64;
        report.counts += rows.len() as u64;
        let mut deltas = Vec::new();
        for (content, what, value, rows, counted) in rows {
            if rows == counted {
                continue;
            }
            report.wrong += 1;
            deltas.push(Delta { content, what, value, by: rows - counted });
            if report.differences.len() < NAMED_MAX {
                let what = What::from_number(what);
                report.differences.push(Difference { content, what, value, rows, counted });
            }
        }
        if repair {
            store::count(&mut tx, &deltas).await?;
        }
        store::commit(tx).await?;
        progress(&report);
    }
}
