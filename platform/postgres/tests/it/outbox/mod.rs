//! The outbox: at least once, in order for each key, and a failing event, or a slow consumer, in nobody's way.

mod failures;
mod keeping;
mod positions;
mod together;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, EventId, Timestamp};
use postgres::Db;
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, Dispatch, OutboxEvent};
use tokio::sync::Notify;

const DEADLINE: Duration = Duration::from_secs(60);

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
