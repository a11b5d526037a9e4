//! The outbox: at least once, in order for each key, and a failing event in nobody's way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, EventId, Timestamp};
use postgres::Db;
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, OutboxEvent, Reader};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// Remembers what it was given, and refuses keys that begin with `bad`.
#[derive(Default)]
struct Recorder {
    seen: Mutex<Vec<(String, i64)>>,
    changed: Notify,
}

#[async_trait]
impl Consumer for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "thing.changed"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        self.seen.lock().unwrap().push((event.key.clone(), event.payload["n"].as_i64().unwrap()));
        self.changed.notify_one();
        if event.key.starts_with("bad") { Err("refused".into()) } else { Ok(()) }
    }
}

impl Recorder {
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

async fn rows(db: &Db, table: &'static str) -> i64 {
    let sql = if table == "outbox" { "SELECT count(*) FROM outbox" } else { "SELECT count(*) FROM outbox_dead" };
    sqlx::query_scalar(sql).fetch_one(db.pool()).await.unwrap()
}

#[tokio::test]
async fn an_event_of_a_transaction_that_was_rolled_back_never_happened() {
    let db = postgres::testing::fresh().await;
    let now = Clock::system().now();
    let event = OutboxEvent { id: EventId::new(now), kind: "thing.changed", key: "a".into(), payload: 1.into() };
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event, now).await.unwrap();
    drop(tx);
    let reader = Reader::new(db, Clock::system(), vec![Arc::new(Recorder::default())]);
    assert_eq!(reader.deliver_once().await.unwrap(), 0);
}

#[tokio::test]
async fn two_readers_deliver_each_event_once_and_each_key_in_order() {
    let db = postgres::testing::fresh().await;
    let recorder = Arc::new(Recorder::default());
    let stop = CancellationToken::new();
    let readers: Vec<_> = (0..2)
        .map(|_| Reader::new(db.clone(), Clock::system(), vec![recorder.clone() as Arc<dyn Consumer>]))
        .map(|reader| tokio::spawn(reader.run(stop.clone())))
        .collect();
    for n in 0..20 {
        for key in ["ada", "ben", "cleo"] {
            write(&db, key, n, Clock::system().now()).await;
        }
    }
    recorder.until(|r| r.seen.lock().unwrap().len() >= 60).await;
    stop.cancel();
    for reader in readers {
        reader.await.unwrap();
    }
    for key in ["ada", "ben", "cleo"] {
        assert_eq!(recorder.of(key), (0..20).collect::<Vec<_>>(), "{key}");
    }
    assert_eq!(rows(&db, "outbox").await, 0);
}

#[tokio::test]
async fn a_failing_event_holds_up_its_own_key_only_and_ends_aside() {
    let db = postgres::testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let recorder = Arc::new(Recorder::default());
    let reader = Reader::new(db.clone(), clock.clone(), vec![recorder.clone() as Arc<dyn Consumer>]);
    write(&db, "bad", 1, clock.now()).await;
    write(&db, "bad", 2, clock.now()).await;
    write(&db, "good", 1, clock.now()).await;
    for round in 0..10 {
        assert!(reader.deliver_once().await.unwrap() > 0, "round {round}");
        assert_eq!(reader.deliver_once().await.unwrap_or(9), if round == 9 { 1 } else { 0 }, "not due before its time");
        clock.advance(Duration::from_secs(61));
    }
    assert_eq!(recorder.of("good"), [1]);
    assert_eq!(recorder.of("bad")[..10], [1; 10]);
    assert_eq!(recorder.of("bad")[10], 2, "the next of its key follows when the dead one is out of the way");
    assert_eq!(rows(&db, "dead").await, 1);
    assert_eq!(rows(&db, "outbox").await, 1);
}

#[tokio::test]
async fn what_a_dead_reader_had_in_hand_is_delivered_again() {
    let db = postgres::testing::fresh().await;
    write(&db, "ada", 1, Clock::system().now()).await;
    let recorder = Arc::new(Recorder::default());
    let mut dying = db.begin().await.unwrap();
    sqlx::query("SELECT * FROM outbox FOR UPDATE").execute(&mut *dying).await.unwrap();
    let reader = Reader::new(db, Clock::system(), vec![recorder.clone() as Arc<dyn Consumer>]);
    assert_eq!(reader.deliver_once().await.unwrap(), 0, "while another has it");
    drop(dying);
    let again = async { while reader.deliver_once().await.unwrap() == 0 {} };
    tokio::time::timeout(DEADLINE, again).await.expect("it comes back");
    assert_eq!(recorder.of("ada"), [1]);
}
