//! Buffers that hold nothing of what is asked for.

use postgres::Db;

use super::Failure;

/// Bytes of a row that fills buffers: seven to a page.
const ROW: i32 = 1_000;
const ROWS_A_PAGE: i64 = 7;
/// Times that a page is passed over before it is given up, and one more.
const SWEEPS: i64 = 6;

/// Makes as many pages of nothing as PostgreSQL has buffers, and half as many again.
pub async fn prepare(db: &Db) -> Result<(), Failure> {
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_prewarm").execute(db.pool()).await?;
    let buffers: i64 = sqlx::query_scalar("SELECT setting::bigint FROM pg_settings WHERE name = 'shared_buffers'")
        .fetch_one(db.pool())
        .await?;
    sqlx::query("CREATE UNLOGGED TABLE nothing (filling text)").execute(db.pool()).await?;
    sqlx::query("INSERT INTO nothing SELECT repeat('-', $1) FROM generate_series(1, $2)")
        .bind(ROW)
        .bind(buffers * ROWS_A_PAGE * 3 / 2)
        .execute(db.pool())
        .await?;
    Ok(())
}

/// Fills the buffers until everything else has left them. What the operating system keeps of the files, it keeps.
pub async fn chill(db: &Db) -> Result<(), Failure> {
    for _ in 0..SWEEPS * 2 / 3 {
        sqlx::query("SELECT pg_prewarm('nothing')").execute(db.pool()).await?;
    }
    Ok(())
}
