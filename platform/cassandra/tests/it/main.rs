//! The adapter against a real Cassandra.

use cassandra::{Db, MigrateFault, Migration, Write, testing};
use kernel::StoreError;
use std::time::Duration;

const TWO: [Migration; 2] = [
    Migration { version: 1, name: "first", cql: "CREATE TABLE IF NOT EXISTS first (id int PRIMARY KEY, note text);\n" },
    Migration { version: 2, name: "second", cql: "CREATE TABLE IF NOT EXISTS second (id int PRIMARY KEY);\n" },
];

fn name(test: &str) -> String {
    format!("plaza_{test}_{:08x}", uuid::Uuid::now_v7().as_u128() as u32)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_migrate_at_once_and_both_find_the_tables() {
    let name = name("twice");
    let (one, two) = (testing::bare(&name).await, testing::bare(&name).await);
    let (first, second) = tokio::join!(one.migrate_with(&TWO), two.migrate_with(&TWO));
    first.unwrap();
    second.unwrap();
    for db in [&one, &two] {
        let insert = db.prepare("INSERT INTO first (id, note) VALUES (?, ?)").await.unwrap();
        db.write(&insert, (1, "ada")).await.unwrap();
        db.migrate_with(&TWO).await.unwrap();
    }

    let changed = [Migration { cql: "CREATE TABLE IF NOT EXISTS other (id int PRIMARY KEY);\n", ..TWO[0] }, TWO[1]];
    assert!(matches!(one.migrate_with(&changed).await, Err(MigrateFault::Changed(1))));
    assert!(matches!(one.migrate_with(&TWO[..1]).await, Err(MigrateFault::Newer(2))));
    testing::drop_keyspace(&one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_say_whether_they_were_applied_and_faults_what_they_mean() {
    let db = testing::bare(&name("conditions")).await;
    db.migrate_with(&TWO[..1]).await.unwrap();
    let once = db.prepare("INSERT INTO first (id, note) VALUES (?, ?) IF NOT EXISTS").await.unwrap();
    assert!(db.write_if(&once, (7, "ben")).await.unwrap());
    assert!(!db.write_if(&once, (7, "cleo")).await.unwrap());
    let read = db.prepare("SELECT note FROM first WHERE id = ?").await.unwrap();
    assert_eq!(db.read::<(String,)>(&read, (7,)).await.unwrap(), [("ben".to_owned(),)]);
    assert!(matches!(db.prepare("SELECT nothing FROM nowhere").await, Err(StoreError::Broken(_))));
    db.ping().await.unwrap();
    testing::drop_keyspace(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_writes_that_come_at_once_are_each_written() {
    let db = testing::bare(&name("small")).await;
    db.migrate_with(&TWO[..1]).await.unwrap();
    let insert = db.prepare("INSERT INTO first (id, note) VALUES (?, ?)").await.unwrap();
    let note = |id: i32| format!("{id} {}", "a".repeat(usize::try_from(id).unwrap() * 4));
    let writers: Vec<_> = (0..200)
        .map(|writer| {
            let (db, insert) = (db.clone(), insert.clone());
            tokio::spawn(async move {
                let write = |id| Write::new(&insert, (id, note(id)), note(id).len());
                db.write_small(vec![write(2 * writer), write(2 * writer + 1)]).await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let read = db.prepare("SELECT note FROM first WHERE id = ?").await.unwrap();
    for id in 0..400 {
        assert_eq!(db.read::<(String,)>(&read, (id,)).await.unwrap(), [(note(id),)]);
    }

    let wrong = db.prepare("INSERT INTO first (id, note) VALUES (?, ?) USING TTL ?").await.unwrap();
    let refused = db.write_small(vec![Write::new(&wrong, (1, "ada", -1), 3)]).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    testing::drop_keyspace(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_unavailable() {
    let settings = cassandra::Settings { nodes: vec!["127.0.0.1:9".to_owned()], ..testing::settings("plaza_nowhere") };
    let answer =
        tokio::time::timeout(Duration::from_secs(120), Db::connect(&settings)).await.expect("an answer in time");
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyspace_with_a_strange_name_is_refused() {
    assert!(matches!(Db::connect(&testing::settings("a; DROP")).await, Err(StoreError::Broken(_))));
    assert!(matches!(Db::connect(&testing::settings("")).await, Err(StoreError::Broken(_))));
}
