//! The outbox: at least once, in order for each key, and a failing event, or a slow consumer, in nobody's way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, EventId, Timestamp};
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, Dispatch, KEPT_MAX, OutboxEvent};
use postgres::{Db, testing};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// Remembers what it was given, and refuses keys that begin with `bad`.
struct Recorder {
    name: &'static str,
    seen: Mutex<Vec<(String, i64)>>,
    changed: Notify,
    healed: Mutex<bool>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::named("recorder")
    }
}

#[async_trait]
impl Consumer for Recorder {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "thing.changed"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        self.seen.lock().unwrap().push((event.key.clone(), event.payload["n"].as_i64().unwrap()));
        self.changed.notify_one();
        assert!(!event.key.starts_with("panic"), "as asked");
        if event.key.starts_with("bad") && !*self.healed.lock().unwrap() { Err("refused".into()) } else { Ok(()) }
    }
}

impl Recorder {
    fn named(name: &'static str) -> Self {
        Self { name, seen: Mutex::default(), changed: Notify::new(), healed: Mutex::default() }
    }

    fn of(&self, key: &str) -> Vec<i64> {
        self.seen.lock().unwrap().iter().filter(|(k, _)| k == key).map(|(_, n)| *n).collect()
    }

    async fn until(&self, enough: impl Fn(&Self) -> bool) {
        let wait = async {
            while !enough(self) {
                self.changed.notified().await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the events arrive");
    }
}

async fn write(db: &Db, key: &str, n: i64, now: Timestamp) {
    let event = OutboxEvent {
        id: EventId::new(now),
        kind: "thing.changed",
        key: key.to_owned(),
        payload: serde_json::json!({ "n": n }),
    };
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db.pool()).await.unwrap()
}

async fn events(db: &Db) -> i64 {
    count(db, "SELECT count(*) FROM outbox").await
}

async fn dead(db: &Db) -> i64 {
    count(db, "SELECT count(*) FROM event_dead").await
}

fn dispatch(db: &Db, clock: &Clock, consumers: &[&Arc<Recorder>]) -> Arc<Dispatch> {
    let consumers = consumers.iter().map(|consumer| Arc::clone(consumer) as Arc<dyn Consumer>).collect();
    Dispatch::new(db.clone(), clock.clone(), consumers)
}

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
async fn a_failing_event_holds_up_its_own_key_only_and_ends_aside() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let (recorder, other) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("other")));
    *other.healed.lock().unwrap() = true;
    let dispatch = dispatch(&db, &clock, &[&recorder, &other]);
    write(&db, "bad", 1, clock.now()).await;
    write(&db, "bad", 2, clock.now()).await;
    write(&db, "good", 1, clock.now()).await;
    for round in 0..10 {
        assert!(testing::deliver_once(&db, &dispatch).await > 0, "round {round}");
        if round == 0 {
            write(&db, "bad", 3, clock.now()).await;
            write(&db, "good", 2, clock.now()).await;
            testing::deliver_once(&db, &dispatch).await;
        }
        if round < 9 {
            assert_eq!(dispatch.deliver_once().await.unwrap(), 0, "not due before its time");
        }
        clock.advance(Duration::from_secs(61));
    }
    assert_eq!((recorder.of("good"), other.of("good")), (vec![1, 2], vec![1, 2]));
    assert_eq!(other.of("bad"), [1, 2, 3], "another consumer has nothing to do with it");
    assert_eq!(recorder.of("bad"), [1; 10]);
    assert_eq!(dead(&db).await, 1);
    assert_eq!(dispatch.deliver_once().await.unwrap(), 1);
    assert_eq!(recorder.of("bad")[10..], [2], "the next of its key follows when the dead one is out of the way");
    assert_eq!(events(&db).await, 2, "what waits is kept");

    // Somebody mends it, and has the dead one again.
    *recorder.healed.lock().unwrap() = true;
    let (last, all) = outbox::dead(&db, Some("recorder"), 10).await.unwrap();
    assert_eq!((last.len(), all, last[0].tries, last[0].error.as_str()), (1, 1, 10, "refused"));
    assert_eq!(outbox::replay(&db, Some("other"), None, clock.now()).await.unwrap(), 0);
    assert_eq!(outbox::replay(&db, Some("recorder"), Some(last[0].id), clock.now()).await.unwrap(), 1);
    assert_eq!(dead(&db).await, 0);
    clock.advance(Duration::from_secs(61));
    while testing::deliver_once(&db, &dispatch).await > 0 {}
    assert_eq!(recorder.of("bad")[11..], [2, 3, 1], "a replay comes behind what is written by then");
    assert_eq!(other.of("bad"), [1, 2, 3], "and only to the one that it failed at");
    assert_eq!((events(&db).await, dispatch.is_done().await.unwrap()), (0, true));
}

#[tokio::test]
async fn a_consumer_that_panics_is_one_that_fails() {
    let db = testing::fresh().await;
    let recorder = Arc::new(Recorder::default());
    let dispatch = dispatch(&db, &Clock::system(), &[&recorder]);
    write(&db, "panic", 1, Clock::system().now()).await;
    write(&db, "ada", 1, Clock::system().now()).await;
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 2);
    assert_eq!(recorder.of("ada"), [1]);
    assert_eq!(count(&db, "SELECT count(*) FROM event_retries WHERE error = 'it panicked'").await, 1);
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

/// Puts the server's clock, by which events are kept, in step with the test's.
async fn number_when_written(db: &Db) {
    sqlx::query("UPDATE outbox SET numbered_at = created_at").execute(db.pool()).await.unwrap();
}

/// An event may tell of something long ago: what is imported, or a demo community's past.
#[tokio::test]
async fn an_event_of_long_ago_is_kept_like_any_other() {
    let db = testing::fresh().await;
    let clock = Clock::system();
    let (quick, slow) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("slow")));
    let both = dispatch(&db, &clock, &[&quick, &slow]);
    assert_eq!(testing::deliver_once(&db, &both).await, 0);
    write(&db, "ada", 1, clock.now().minus(KEPT_MAX * 2)).await;
    testing::number_events(&db).await;
    both.tidy().await.unwrap();
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1], vec![1]));
}

#[tokio::test]
async fn a_consumer_that_is_gone_holds_events_for_seven_days_and_not_longer() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let (here, gone) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("gone")));
    assert_eq!(testing::deliver_once(&db, &dispatch(&db, &clock, &[&here, &gone])).await, 0);
    let alone = dispatch(&db, &clock, &[&here]);
    write(&db, "ada", 1, clock.now()).await;
    clock.advance(KEPT_MAX);
    while testing::deliver_once(&db, &alone).await > 0 {}
    assert_eq!((here.of("ada"), events(&db).await), (vec![1], 1));
    number_when_written(&db).await;
    alone.tidy().await.unwrap();
    assert_eq!(events(&db).await, 1, "seven days, and not a millisecond more");
    clock.advance(Duration::from_millis(1));
    alone.tidy().await.unwrap();
    assert_eq!((events(&db).await, count(&db, "SELECT count(*) FROM event_consumers").await), (0, 1));
}

#[tokio::test]
async fn a_consumer_that_is_too_far_behind_does_not_hold_events_either() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let (quick, slow) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("slow")));
    let both = dispatch(&db, &clock, &[&quick, &slow]);
    assert_eq!(testing::deliver_once(&db, &both).await, 0);
    let mut stuck = db.begin().await.unwrap();
    sqlx::query("SELECT * FROM event_consumers WHERE name = 'slow' FOR UPDATE").execute(&mut *stuck).await.unwrap();
    write(&db, "ada", 1, clock.now()).await;
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada").len(), slow.of("ada").len(), events(&db).await), (1, 0, 1));
    drop(stuck);
    number_when_written(&db).await;
    clock.advance(KEPT_MAX + Duration::from_millis(1));
    both.tidy().await.unwrap();
    assert_eq!(events(&db).await, 0);
    write(&db, "ada", 2, clock.now()).await;
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1, 2], vec![2]), "it goes on with what is there");
}

#[tokio::test]
async fn many_keys_in_many_turns_stay_in_order_with_failures_among_them() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let recorder = Arc::new(Recorder::default());
    let dispatch = dispatch(&db, &clock, &[&recorder]);
    for n in 0..30 {
        for key in ["ada", "bad ben", "cleo", "dana", "bad eve"] {
            write(&db, key, n, clock.now()).await;
        }
    }
    testing::number_events(&db).await;
    for _ in 0..3 {
        while dispatch.deliver_once().await.unwrap() > 0 {}
        clock.advance(Duration::from_secs(61));
    }
    *recorder.healed.lock().unwrap() = true;
    while !dispatch.is_done().await.unwrap() {
        dispatch.deliver_once().await.unwrap();
    }
    dispatch.tidy().await.unwrap();
    let seen = recorder.seen.lock().unwrap().clone();
    let mut last: HashMap<String, i64> = HashMap::new();
    for (key, n) in seen {
        let before = last.insert(key.clone(), n).unwrap_or(-1);
        assert!(n == before || n == before + 1, "{key}: {n} after {before}");
    }
    assert!(last.values().all(|n| *n == 29), "{last:?}");
    assert_eq!(events(&db).await, 0);
}

/// Takes up to four events at once; refuses, alone and in company, what is `bad`.
#[derive(Default)]
struct Crate {
    taken: Mutex<Vec<Vec<i64>>>,
    alone: Mutex<Vec<i64>>,
}

#[async_trait]
impl Consumer for Crate {
    fn name(&self) -> &'static str {
        "crate"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "thing.changed"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        if event.key.starts_with("bad") {
            return Err("refused".into());
        }
        self.alone.lock().unwrap().push(event.payload["n"].as_i64().unwrap());
        Ok(())
    }

    fn at_once(&self) -> usize {
        4
    }

    async fn consume_all(&self, events: &[&Delivery]) -> Result<(), ConsumeError> {
        assert!(!events.iter().any(|event| event.key.starts_with("panic")), "as asked");
        if events.iter().any(|event| event.key.starts_with("bad")) {
            return Err("refused".into());
        }
        self.taken.lock().unwrap().push(events.iter().map(|event| event.payload["n"].as_i64().unwrap()).collect());
        Ok(())
    }
}

#[tokio::test]
async fn events_of_different_keys_are_taken_together_and_those_of_one_key_in_order() {
    let db = testing::fresh().await;
    let now = Clock::system().now();
    for n in 0..9 {
        write(&db, &format!("thing {n}"), n, now).await;
    }
    for n in 10..13 {
        write(&db, "ada", n, now).await;
    }
    let taker = Arc::new(Crate::default());
    let dispatch = Dispatch::new(db.clone(), Clock::system(), vec![taker.clone() as Arc<dyn Consumer>]);
    assert_eq!(testing::deliver_once(&db, &dispatch).await, 12);
    let mut taken = taker.taken.lock().unwrap().clone();
    taken.sort();
    assert_eq!(taken, [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
    let alone = taker.alone.lock().unwrap().clone();
    assert_eq!(alone.iter().filter(|n| **n >= 10).copied().collect::<Vec<_>>(), [10, 11, 12]);
    assert!(alone.contains(&8), "the last of a batch of one");
    assert!(dispatch.is_done().await.unwrap());
}

#[tokio::test]
async fn what_fails_in_company_is_tried_alone_and_takes_no_other_with_it() {
    for bad in ["bad", "panic"] {
        let db = testing::fresh().await;
        let now = Clock::system().now();
        for key in ["ada", bad, "ben", "cleo"] {
            write(&db, key, key.len() as i64, now).await;
        }
        let taker = Arc::new(Crate::default());
        let dispatch = Dispatch::new(db.clone(), Clock::system(), vec![taker.clone() as Arc<dyn Consumer>]);
        assert_eq!(testing::deliver_once(&db, &dispatch).await, 4);
        assert!(taker.taken.lock().unwrap().is_empty());
        let alone = taker.alone.lock().unwrap().len();
        assert_eq!(alone, if bad == "bad" { 3 } else { 4 });
        assert_eq!(count(&db, "SELECT count(*) FROM event_retries").await, if bad == "bad" { 1 } else { 0 });
    }
}
