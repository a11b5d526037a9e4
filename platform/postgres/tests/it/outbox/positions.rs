//! Events get positions, dense and in order, and are delivered by them.

use std::sync::Arc;

use kernel::{Clock, EventId};
use postgres::outbox::{self, OutboxEvent};
use postgres::testing;
use tokio_util::sync::CancellationToken;

use super::{DEADLINE, Recorder, count, dispatch, events, write};

#[tokio::test]
async fn an_event_of_a_transaction_that_was_rolled_back_never_happened() {
    let db = testing::fresh().await;
    let now = Clock::system().now();
    let event = OutboxEvent { id: EventId::new(now), kind: "thing.changed", key: "a".into(), payload: 1.into() };
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event, now).await.unwrap();
    drop(tx);
    let dispatch = dispatch(&db, &Clock::system(), &[&Arc::new(Recorder::default())]);
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 0);
}

#[tokio::test]
async fn an_event_without_a_position_waits_for_one() {
    let db = testing::fresh().await;
    let recorder = Arc::new(Recorder::default());
    let dispatch = dispatch(&db, &Clock::system(), &[&recorder]);
    write(&db, "ada", 1, Clock::system().now()).await;
    assert_eq!(dispatch.deliver_once().await.unwrap(), 0);
    assert!(!dispatch.is_done().await.unwrap());
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 1);
    assert!(dispatch.is_done().await.unwrap());
    assert_eq!(recorder.of("ada"), [1]);
}

#[tokio::test]
async fn positions_are_dense_and_given_once() {
    let db = testing::fresh().await;
    for n in 0..5 {
        write(&db, "ada", n, Clock::system().now()).await;
    }
    let mut tx = db.begin().await.unwrap();
    let seqs = outbox::without_position(&mut tx, 10).await.unwrap();
    let backwards: Vec<i64> = seqs.iter().rev().copied().collect();
    assert_eq!(outbox::number(&mut tx, &backwards[..2]).await.unwrap(), 2);
    // Two that have theirs, two that are not there, three that have none.
    let again = [backwards.as_slice(), &[i64::MAX, -1]].concat();
    assert_eq!(outbox::number(&mut tx, &again).await.unwrap(), 3);
    assert_eq!(outbox::number_all(&mut tx).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let order: Vec<(i64, i64)> =
        sqlx::query_as("SELECT position, (payload->>'n')::bigint FROM outbox ORDER BY position")
            .fetch_all(db.pool())
            .await
            .unwrap();
    assert_eq!(order, [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]);
    assert_eq!(count(&db, "SELECT position FROM event_head").await, 5);
}

#[tokio::test]
async fn two_processes_deliver_each_event_once_and_each_key_in_order() {
    let db = testing::fresh().await;
    let recorder = Arc::new(Recorder::default());
    let stop = CancellationToken::new();
    let running: Vec<_> =
        (0..2).map(|_| tokio::spawn(dispatch(&db, &Clock::system(), &[&recorder]).run(stop.clone()))).collect();
    for n in 0..20 {
        for key in ["ada", "ben", "cleo"] {
            write(&db, key, n, Clock::system().now()).await;
        }
        testing::number_events(&db).await;
    }
    recorder.until(|r| r.seen.lock().unwrap().len() >= 60).await;
    stop.cancel();
    for one in running {
        one.await.unwrap();
    }
    for key in ["ada", "ben", "cleo"] {
        assert_eq!(recorder.of(key), (0..20).collect::<Vec<_>>(), "{key}");
    }
    dispatch(&db, &Clock::system(), &[&recorder]).tidy().await.unwrap();
    assert_eq!(events(&db).await, 0);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_delivered_again() {
    let db = testing::fresh().await;
    let recorder = Arc::new(Recorder::default());
    let dispatch = dispatch(&db, &Clock::system(), &[&recorder]);
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 0);
    write(&db, "ada", 1, Clock::system().now()).await;
    let mut dying = db.begin().await.unwrap();
    sqlx::query("SELECT * FROM event_consumers FOR UPDATE").execute(&mut *dying).await.unwrap();
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 0, "while another has it");
    drop(dying);
    let again = async { while dispatch.deliver_once().await.unwrap() == 0 {} };
    tokio::time::timeout(DEADLINE, again).await.expect("it comes back");
    assert_eq!(recorder.of("ada"), [1]);
}
