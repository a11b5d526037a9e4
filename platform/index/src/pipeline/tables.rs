//! Tables that change without a word of it in the change stream.
//!
//! `ALTER TABLE … TYPE … USING` writes every row anew, into another file, and logical decoding leaves such a rewrite out. Where the
//! rows are is therefore looked at now and then. `VACUUM FULL` and `CLUSTER` move them as well, and cost a build for nothing.

use std::collections::BTreeMap;

use postgres::{Db, StoreResult, fault};

/// Which file each table's rows are in.
pub(crate) async fn files(db: &Db, tables: &[&str]) -> StoreResult<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT name, coalesce(pg_relation_filenode(to_regclass(name)), 0)::bigint FROM unnest($1::text[]) name",
    )
    .bind(tables)
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    Ok(rows.into_iter().collect())
}

/// About how many rows a table has, as the planner knows it.
pub(crate) async fn about(db: &Db, table: &str) -> StoreResult<u64> {
    let rows: Option<f32> = sqlx::query_scalar("SELECT reltuples FROM pg_class WHERE oid = to_regclass($1)")
        .bind(table)
        .fetch_optional(db.pool())
        .await
        .map_err(fault)?;
    // Never analysed: -1.
    Ok(rows.unwrap_or_default().max(0.0) as u64)
}
