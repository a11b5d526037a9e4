//! Events get positions, dense and in order, and are delivered by them.

use postgres::{outbox, testing};
use tokio_util::sync::CancellationToken;

use super::{DEADLINE, Office, event};

#[tokio::test]
async fn an_event_of_a_transaction_that_was_rolled_back_never_happened() {
    let office = Office::open().await;
    let now = office.clock.now();
    let mut tx = office.db.begin().await.unwrap();
    outbox::append(&mut tx, &event("ada", 1, now), now).await.unwrap();
    drop(tx);
    let dispatch = office.dispatch(None);
    assert_eq!(office.deliver(&dispatch).await, 0);
}

#[tokio::test]
async fn an_event_without_a_position_waits_for_one() {
    let office = Office::open().await;
    let (recorder, dispatch) = (&office.recorder, office.dispatch(None));
    office.write("ada", 1).await;
    assert_eq!(dispatch.deliver_once().await.unwrap(), 0);
    assert!(!dispatch.is_done().await.unwrap());
    assert_eq!(office.deliver(&dispatch).await, 1);
    assert!(dispatch.is_done().await.unwrap());
    assert_eq!(recorder.of("ada"), [1]);
}

#[tokio::test]
async fn positions_are_dense_and_given_once() {
    let office = Office::open().await;
    for n in 0..5 {
        office.write("ada", n).await;
    }
    let mut tx = office.db.begin().await.unwrap();
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
            .fetch_all(office.db.pool())
            .await
            .unwrap();
    assert_eq!(order, [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]);
    assert_eq!(office.count("SELECT position FROM event_head").await, 5);
}

#[tokio::test]
async fn two_processes_deliver_each_event_once_and_each_key_in_order() {
    let office = Office::open().await;
    let recorder = &office.recorder;
    let stop = CancellationToken::new();
    let running: Vec<_> = (0..2).map(|_| tokio::spawn(office.dispatch(None).run(stop.clone()))).collect();
    for n in 0..20 {
        for key in ["ada", "ben", "cleo"] {
            office.write(key, n).await;
        }
        testing::number_events(&office.db).await;
    }
    recorder.until(|r| r.seen.lock().unwrap().len() >= 60).await;
    stop.cancel();
    for one in running {
        one.await.unwrap();
    }
    for key in ["ada", "ben", "cleo"] {
        assert_eq!(recorder.of(key), (0..20).collect::<Vec<_>>(), "{key}");
    }
    office.dispatch(None).tidy().await.unwrap();
    assert_eq!(office.events().await, 0);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_delivered_again() {
    let office = Office::open().await;
    let (recorder, dispatch) = (&office.recorder, office.dispatch(None));
    assert_eq!(office.deliver(&dispatch).await, 0);
    office.write("ada", 1).await;
    let mut dying = office.db.begin().await.unwrap();
    sqlx::query("SELECT * FROM event_consumers FOR UPDATE").execute(&mut *dying).await.unwrap();
    assert_eq!(office.deliver(&dispatch).await, 0, "while another has it");
    drop(dying);
    let again = async { while dispatch.deliver_once().await.unwrap() == 0 {} };
    tokio::time::timeout(DEADLINE, again).await.expect("it comes back");
    assert_eq!(recorder.of("ada"), [1]);
}
