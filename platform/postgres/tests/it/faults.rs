//! What driver errors turn into.

use std::time::Duration;

use kernel::{Secret, StoreError};
use postgres::{Db, Settings, fault};

#[tokio::test]
async fn a_constraint_is_reported_by_its_name() {
    let db = postgres::testing::fresh().await;
    sqlx::query("CREATE TABLE seats (row int, CONSTRAINT one_each UNIQUE (row))").execute(db.pool()).await.unwrap();
    sqlx::query("INSERT INTO seats VALUES (1)").execute(db.pool()).await.unwrap();
    let error = fault(sqlx::query("INSERT INTO seats VALUES (1)").execute(db.pool()).await.unwrap_err());
    assert!(matches!(&error, StoreError::Constraint(name) if name == "one_each"), "{error}");
}

#[tokio::test]
async fn a_wrong_statement_is_our_bug() {
    let db = postgres::testing::fresh().await;
    let error = fault(sqlx::query("SELECT nothing FROM nowhere").execute(db.pool()).await.unwrap_err());
    assert!(matches!(error, StoreError::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_cancelled_and_certainly_not_written() {
    let settings = Settings {
        url: Some(Secret::new(postgres::testing::fresh_url().await)),
        statement_ms_max: 200,
        ..Settings::default()
    };
    let db = Db::connect(&settings).await.unwrap();
    let error = fault(sqlx::query("SELECT pg_sleep(5)").execute(db.pool()).await.unwrap_err());
    assert!(matches!(error, StoreError::Unavailable(_)) && error.certainly_not_written(), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_under_a_statement_leaves_its_outcome_open() {
    let db = postgres::testing::fresh().await;
    let mut victim = db.pool().acquire().await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *victim).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1, 5000)").bind(pid).execute(db.pool()).await.unwrap();
    let error = fault(sqlx::query("SELECT 1").execute(&mut *victim).await.unwrap_err());
    // The server said goodbye (57P01) before it closed, if that was read before the write failed.
    assert!(matches!(error, StoreError::Unavailable(_) | StoreError::Unknown(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let url = Secret::new("postgres://plaza:plaza@127.0.0.1:1/plaza".to_owned());
    let settings = Settings { url: Some(url), acquire_ms_max: 200, ..Settings::default() };
    let error = Db::connect(&settings).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_unavailable() {
    let settings = Settings {
        url: Some(Secret::new(postgres::testing::fresh_url().await)),
        connections_max: 1,
        acquire_ms_max: 2_000,
        ..Settings::default()
    };
    let db = Db::connect(&settings).await.unwrap();
    let held = db.begin().await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(30), db.ping()).await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    drop(held);
    db.ping().await.unwrap();
}
