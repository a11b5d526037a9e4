use postgres::MigrateFault;

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let db = postgres::testing::fresh().await;
    db.migrate().await.unwrap();
    let newest: i64 =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(db.pool()).await.unwrap();
    assert_eq!(newest, postgres::newest_migration());
}

#[tokio::test]
async fn several_nodes_may_migrate_at_once() {
    let db = postgres::testing::fresh().await;
    sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").execute(db.pool()).await.unwrap();
    let (a, b, c) = tokio::join!(db.migrate(), db.migrate(), db.migrate());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
}

#[tokio::test]
async fn a_database_of_a_newer_plaza_is_refused() {
    let db = postgres::testing::fresh().await;
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").execute(db.pool()).await.unwrap();
    let refused = db.migrate().await.unwrap_err();
    assert!(matches!(refused, MigrateFault::Newer(9999)), "{refused}");
}

#[tokio::test]
async fn a_migration_that_was_changed_after_the_fact_is_refused() {
    let db = postgres::testing::fresh().await;
    sqlx::query("UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 1").execute(db.pool()).await.unwrap();
    let refused = db.migrate().await.unwrap_err();
    assert!(matches!(refused, MigrateFault::Changed(1)), "{refused}");
}

#[tokio::test]
async fn a_secret_is_made_once_and_then_shared() {
    let db = postgres::testing::fresh().await;
    assert_eq!(db.secret("tokens", b"first").await.unwrap(), b"first");
    assert_eq!(db.secret("tokens", b"second").await.unwrap(), b"first");
}

#[tokio::test]
async fn a_lock_has_one_holder_at_a_time() {
    let db = postgres::testing::fresh().await;
    let held = db.sole(7).await.unwrap();
    assert!(held.is_some() && db.sole(8).await.unwrap().is_some());
    assert!(db.sole(7).await.unwrap().is_none());
    drop(held);
    let again = async { while db.sole(7).await.unwrap().is_none() {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), again).await.expect("it is free again");
}
