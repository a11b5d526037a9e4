//! What is told of each kind of change.

use cdc::{Lsn, Op, Start, Value, Why};

use crate::stage::Stage;

#[tokio::test]
async fn inserts_updates_deletes_and_truncations_are_told_in_order() {
    let stage = Stage::new().await;
    let mut sink = stage.record();
    let begun = sink.until(|seen| !seen.starts.is_empty()).await;
    assert!(matches!(begun.starts[0], Start::Anew { why: Why::First, .. }));
    stage.run("INSERT INTO things VALUES (1, 1, 'ada', NULL), (2, 1, NULL, '')").await;
    stage.run("UPDATE things SET name = 'ben' WHERE id = 1").await;
    stage.run("UPDATE things SET id = 3 WHERE id = 1").await;
    stage.run("DELETE FROM things WHERE id = 2").await;
    stage.run("INSERT INTO others VALUES (1)").await;
    stage.run("BEGIN; INSERT INTO things VALUES (9, 1, 'never', NULL); ROLLBACK").await;
    stage.run("TRUNCATE things").await;
    let seen = sink.changes(6).await;
    let ops: Vec<Op> = seen.iter().map(|change| change.op).collect();
    assert_eq!(ops, [Op::Insert, Op::Insert, Op::Update, Op::Update, Op::Delete, Op::Truncate]);
    assert_eq!(
        (seen[0].text("id"), seen[0].text("name"), seen[0].value("big")),
        (Some("1"), Some("ada"), Some(&Value::Null))
    );
    assert_eq!((seen[1].value("name"), seen[1].text("big")), (Some(&Value::Null), Some("")));
    assert_eq!((seen[2].old.as_ref(), seen[2].text("name")), (None, Some("ben")));
    assert_eq!(seen[3].texts("id"), ["1", "3"]);
    assert_eq!((seen[4].texts("id"), seen[4].value("name")), (vec!["2"], Some(&Value::Unchanged)));
    assert_eq!((seen[5].table(), seen[5].value("id")), ("things", None));
    assert_eq!(seen[0].commit, seen[1].commit, "one transaction");
    assert!(seen[1..].windows(2).all(|pair| pair[0].commit < pair[1].commit), "commits rise");
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_large_value_that_was_not_touched_is_not_null() {
    let stage = Stage::new().await;
    // Random letters are not compressed into the row.
    stage
        .run(
            "INSERT INTO things SELECT 1, 1, 'ada', string_agg(md5(random()::text), '') FROM generate_series(1, 1000);
             INSERT INTO things VALUES (2, 1, 'ben', NULL)",
        )
        .await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("UPDATE things SET name = 'cleo' WHERE id = 1; UPDATE things SET name = 'dana' WHERE id = 2").await;
    stage.run("UPDATE things SET big = big || '!' WHERE id = 1").await;
    let seen = sink.changes(3).await;
    assert_eq!((seen[0].text("name"), seen[0].value("big")), (Some("cleo"), Some(&Value::Unchanged)));
    assert_eq!((seen[1].text("name"), seen[1].value("big")), (Some("dana"), Some(&Value::Null)));
    assert_eq!(seen[2].text("big").unwrap().len(), 32_001);
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_migration_in_between_gives_later_changes_other_columns() {
    let stage = Stage::new().await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO things VALUES (1, 1, 'ada', 'x')").await;
    stage.run("ALTER TABLE things ADD COLUMN place text DEFAULT 'Bern'").await;
    stage.run("INSERT INTO things VALUES (2, 1, 'ben', 'x', 'Chur')").await;
    stage.run("ALTER TABLE things DROP COLUMN big; ALTER TABLE things RENAME COLUMN name TO title").await;
    stage.run("UPDATE things SET title = 'cleo' WHERE id = 1").await;
    // Rewrites the table: its rows move, and none of them changed.
    stage.run("ALTER TABLE things ALTER COLUMN n TYPE bigint").await;
    stage.run("UPDATE things SET n = 5000000000 WHERE id = 2").await;
    let seen = sink.changes(4).await;
    assert_eq!(seen.len(), 4, "a migration changes no row");
    assert_eq!((seen[0].text("big"), seen[0].value("place")), (Some("x"), None));
    assert_eq!(seen[1].text("place"), Some("Chur"));
    assert_eq!(
        (seen[2].text("title"), seen[2].value("big"), seen[2].text("place")),
        (Some("cleo"), None, Some("Bern"))
    );
    assert_eq!(seen[3].text("n"), Some("5000000000"));
    assert_eq!(seen[0].relation.oid, seen[3].relation.oid);
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn values_read_the_same_whatever_the_database_prefers() {
    let stage = Stage::new().await;
    stage.run("CREATE TABLE shapes (id int PRIMARY KEY, at timestamptz, took interval, raw bytea, share float8)").await;
    stage
        .run(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET datestyle = ''German''', current_database());
                 EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', current_database());
                 EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database());
             END $$",
        )
        .await;
    let mut stage = stage;
    stage.spec.tables.push("shapes".to_owned());
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO shapes VALUES (1, '2026-05-01 12:00:00.5+00', '1 day 2 hours', '\\x00ff', 0.1)").await;
    let seen = sink.changes(1).await;
    assert_eq!(seen[0].text("at"), Some("2026-05-01 12:00:00.5+00"));
    assert_eq!(
        (seen[0].text("took"), seen[0].text("raw"), seen[0].text("share")),
        (Some("P1DT2H"), Some("\\x00ff"), Some("0.1"))
    );
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_transaction_of_fifty_thousand_rows_comes_in_bounded_batches_and_counts_only_when_it_is_whole() {
    const ROWS: usize = 50_000;
    const BATCH: usize = 1_000;
    let mut stage = Stage::new().await;
    stage.settings.batch_changes_max = BATCH;
    let mut sink = stage.record();
    let from = sink.until(|seen| !seen.starts.is_empty()).await.starts[0].from();
    let before = stage.log_end().await;
    stage.run("INSERT INTO things SELECT i, 1, 'thing ' || i, NULL FROM generate_series(1, 50000) i").await;
    let seen = sink.until(|seen| seen.changes.len() >= ROWS).await;
    let ids: Vec<usize> = seen.changes.iter().map(|change| change.text("id").unwrap().parse().unwrap()).collect();
    assert_eq!(ids, (1..=ROWS).collect::<Vec<_>>());
    assert!(seen.batches.iter().all(|(changes, _)| *changes <= BATCH), "{:?}", seen.batches);
    let parts: Vec<Lsn> = seen.batches.iter().filter(|(changes, _)| *changes > 0).map(|(_, end)| *end).collect();
    let commit = seen.changes[0].commit;
    assert!(commit > before && parts.len() >= ROWS / BATCH);
    assert!(
        parts[..parts.len() - 1].iter().all(|end| *end >= from && *end <= commit),
        "the position waits for its end"
    );
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_batch_is_bounded_in_bytes() {
    let mut stage = Stage::new().await;
    stage.settings.batch_kb_max = 64;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO things SELECT i, 1, repeat('x', 10000), NULL FROM generate_series(1, 100) i").await;
    let seen = sink.until(|seen| seen.changes.len() >= 100).await;
    // 10 KB a row and a little: the seventh reaches 64 KiB.
    assert!(seen.batches.iter().all(|(changes, _)| *changes <= 7), "{:?}", seen.batches);
    sink.stop().await;
    stage.close().await;
}
