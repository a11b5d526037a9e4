//! The outbox: at least once, in order for each key, and a failing event, or a slow consumer, in nobody's way.

mod failures;
mod keeping;
mod positions;
mod together;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, EventId, Timestamp};
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, Dispatch, OutboxEvent};
use postgres::{Db, testing};
use tokio::sync::Notify;

const DEADLINE: Duration = Duration::from_secs(60);

/// Remembers what it was given, and refuses keys that begin with `bad`.
struct Recorder {
    name: &'static str,
    seen: Mutex<Vec<(String, i64)>>,
    changed: Notify,
    healed: Mutex<bool>,
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

/// A database with an outbox, a clock that a test moves, and somebody who takes events.
struct Office {
    db: Db,
    clock: Clock,
    recorder: Arc<Recorder>,
}

impl Office {
    async fn open() -> Self {
        let (db, clock) = (testing::fresh().await, Clock::manual(Clock::system().now()));
        Self { db, clock, recorder: Arc::new(Recorder::named("recorder")) }
    }

    /// Delivers to its own recorder, and to another.
    fn dispatch(&self, other: Option<&Arc<Recorder>>) -> Arc<Dispatch> {
        self.dispatch_to([Some(&self.recorder), other].into_iter().flatten().cloned())
    }

    fn dispatch_to<C: Consumer + 'static>(&self, consumers: impl IntoIterator<Item = Arc<C>>) -> Arc<Dispatch> {
        let consumers = consumers.into_iter().map(|consumer| consumer as Arc<dyn Consumer>).collect();
        Dispatch::new(self.db.clone(), self.clock.clone(), consumers)
    }

    /// Gives positions to what was written, and delivers once.
    async fn deliver(&self, dispatch: &Dispatch) -> usize {
        testing::deliver_once(&self.db, dispatch).await
    }

    async fn deliver_all(&self, dispatch: &Dispatch) {
        while self.deliver(dispatch).await > 0 {}
    }

    async fn write(&self, key: &str, n: i64) {
        self.write_at(key, n, self.clock.now()).await;
    }

    async fn write_at(&self, key: &str, n: i64, at: Timestamp) {
        let mut tx = self.db.begin().await.unwrap();
        outbox::append(&mut tx, &event(key, n, at), at).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.db.pool()).await.unwrap()
    }

    async fn events(&self) -> i64 {
        self.count("SELECT count(*) FROM outbox").await
    }

    async fn dead(&self) -> i64 {
        self.count("SELECT count(*) FROM event_dead").await
    }
}

fn event(key: &str, n: i64, at: Timestamp) -> OutboxEvent {
    OutboxEvent {
        id: EventId::new(at),
        kind: "thing.changed",
        key: key.to_owned(),
        payload: serde_json::json!({ "n": n }),
    }
}
