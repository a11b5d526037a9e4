//! The life of a slot.

use cdc::{Error, Spec, Start, Why, slot};

use crate::stage::{DEADLINE, Stage, until};

#[tokio::test]
async fn a_slot_that_was_dropped_is_made_anew_once_and_the_second_time_it_stops_loudly() {
    let stage = Stage::new().await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO things VALUES (1, 1, 'x', NULL)").await;
    sink.changes(1).await;
    slot::give_up(&stage.db, &stage.slot).await.unwrap();
    let seen = sink.until(|seen| seen.starts.len() == 2).await;
    assert!(matches!(seen.starts[1], Start::Anew { why: Why::AnotherSlot, .. }), "{:?}", seen.starts);
    assert!(seen.starts[1].from() > seen.starts[0].from());
    // It goes on with what comes now.
    stage.run("INSERT INTO things VALUES (2, 1, 'x', NULL)").await;
    sink.until(|seen| seen.changes.iter().any(|change| change.text("id") == Some("2"))).await;
    slot::give_up(&stage.db, &stage.slot).await.unwrap();
    let ended = tokio::time::timeout(DEADLINE, sink.task).await.expect("it stops").unwrap();
    assert!(matches!(ended, Err(Error::LostAgain { .. })), "{ended:?}");
    stage.close().await;
}

#[tokio::test]
async fn a_slot_that_keeps_too_much_log_is_given_up() {
    let mut stage = Stage::new().await;
    stage.settings.wal_kept_mb_max = 20;
    stage.settings.batch_changes_max = 10;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    sink.stall();
    stage.run("INSERT INTO things SELECT i, 1, 'x', NULL FROM generate_series(1, 1000) i").await;
    sink.until(|seen| seen.arrived > 0).await;
    until(async || {
        stage
            .run("INSERT INTO others SELECT generate_series(1, 20000) ON CONFLICT DO NOTHING; DELETE FROM others")
            .await;
        slot::look(&stage.db, &stage.slot).await.unwrap().is_none()
    })
    .await;
    sink.release();
    let seen = sink.until(|seen| seen.starts.len() >= 2).await;
    assert!(matches!(seen.starts[1], Start::Anew { why: Why::AnotherSlot, .. }), "{:?}", seen.starts);
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_publication_follows_the_list_of_tables() {
    let mut stage = Stage::new().await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    sink.stop().await;
    stage.run("INSERT INTO others VALUES (1)").await;
    stage.spec.tables = vec!["others".to_owned(), "things".to_owned()];
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO others VALUES (2); INSERT INTO things VALUES (1, 1, 'x', NULL)").await;
    let seen = sink.changes(2).await;
    let told: Vec<_> = seen.iter().map(|change| (change.table(), change.text("id").unwrap())).collect();
    assert_eq!(told, [("others", "2"), ("things", "1")], "a table is told of from when it is in the list");
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_table_without_a_key_is_refused_before_it_can_no_longer_be_updated() {
    let stage = Stage::new().await;
    stage.run("CREATE TABLE keyless (name text); INSERT INTO keyless VALUES ('x')").await;
    let spec = Spec::new("plaza_keyless", ["keyless"]);
    let refused = slot::publish(&stage.db, &spec).await.unwrap_err();
    assert!(refused.to_string().contains("keyless"), "{refused}");
    stage.run("UPDATE keyless SET name = 'y'").await;
    slot::publish(&stage.db, &Spec { inserts_only: true, ..spec }).await.unwrap();
    stage.run("UPDATE keyless SET name = 'z'").await;
    for name in ["", "Plaza", "plaza-x", "plaza'x", "x23456789_123456789_123456789_123456789_1"] {
        let spec = Spec { name, ..stage.spec.clone() };
        assert!(matches!(slot::name(&stage.db, &spec).await, Err(Error::Setup(_))), "{name}");
    }
}

#[tokio::test]
async fn a_role_that_may_not_replicate_is_told_what_to_do() {
    let stage = Stage::new().await;
    assert_eq!(slot::obstacle(&stage.db).await.unwrap(), None);
    slot::check(&stage.db, &stage.settings).await.unwrap();
    let mut tx = stage.db.begin().await.unwrap();
    let role = format!("{}_reader", stage.slot);
    let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'p@ss w:rd' NOREPLICATION");
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let options = (*stage.db.pool().connect_options()).clone().username(&role).password("p@ss w:rd");
    let url = sqlx::ConnectOptions::to_url_lossy(&options).to_string();
    let settings = postgres::Settings { url: Some(kernel::Secret::new(url)), ..postgres::Settings::default() };
    let db = postgres::Db::connect(&settings).await.unwrap();
    let obstacle = slot::obstacle(&db).await.unwrap().unwrap();
    assert!(obstacle.contains("REPLICATION"), "{obstacle}");
    db.close().await;
    stage.run(&format!("ALTER ROLE {role} REPLICATION")).await;
    let db = postgres::Db::connect(&settings).await.unwrap();
    slot::check(&db, &stage.settings).await.unwrap();
    db.close().await;
    stage.run(&format!("DROP ROLE {role}")).await;
}
