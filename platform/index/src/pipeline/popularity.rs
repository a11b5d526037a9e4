//! How popular things are, kept in the tables that their documents are made of.
//!
//! What popularity follows from is counted elsewhere, and moves with every reaction. What is kept is its magnitude, a power of two, which
//! moves seldom: something that a million people like is written, and indexed, twenty times for it.

use postgres::{Db, StoreResult, fault};
use sqlx::AssertSqlSafe;
use telemetry::timed;
use uuid::Uuid;

/// 0 for none; n for 2ⁿ⁻¹ to 2ⁿ − 1.
const fn magnitude(count: u64) -> i16 {
    (u64::BITS - count.leading_zeros()) as i16
}

/// What a document says of a magnitude: the least count that it stands for.
#[must_use]
pub fn popularity(magnitude: i16) -> f64 {
    if magnitude <= 0 { 0.0 } else { f64::from(magnitude - 1).exp2() }
}

/// Keeps what was counted of things, each named once, in the column `popularity` of a table that has an `id` and a `deleted_at` as
/// well. Returns how many rows were written: most counts change nothing.
///
/// A magnitude rises at once, and falls when it has fallen by two, so that a count that goes to and fro writes nothing either.
pub async fn keep(db: &Db, table: &'static str, counts: impl Iterator<Item = (Uuid, u64)>) -> StoreResult<u64> {
    let (ids, magnitudes): (Vec<Uuid>, Vec<i16>) = counts.map(|(id, count)| (id, magnitude(count))).unzip();
    let sql = format!(
        "WITH moved AS (
             SELECT kept.id, counted.magnitude
             FROM {table} kept JOIN unnest($1::uuid[], $2::smallint[]) counted (id, magnitude) ON counted.id = kept.id
             WHERE kept.deleted_at IS NULL
               AND (counted.magnitude > kept.popularity OR counted.magnitude < kept.popularity - 1)
             ORDER BY kept.id FOR NO KEY UPDATE OF kept
         )
         UPDATE {table} SET popularity = moved.magnitude FROM moved WHERE {table}.id = moved.id"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(magnitudes).execute(db.pool());
    Ok(timed("postgres", "index.popularity", query).await.map_err(fault)?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magnitude_stands_for_its_least_count() {
        for (count, n, least) in [(0, 0, 0.0), (1, 1, 1.0), (2, 2, 2.0), (3, 2, 2.0), (4, 3, 4.0), (1023, 10, 512.0)] {
            assert_eq!(magnitude(count), n, "{count}");
            assert!((popularity(n) - least).abs() < f64::EPSILON, "{count}");
        }
        assert_eq!(magnitude(u64::MAX), 64);
        assert!(popularity(64).is_finite());
    }
}
