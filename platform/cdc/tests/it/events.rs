//! Outbox events by the stream.

use std::sync::Arc;

use async_trait::async_trait;
use cdc::events::{self, Events};
use cdc::{Error, slot};
use kernel::{Clock, EventId};
use postgres::Db;
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, Dispatch, OutboxEvent};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stage::{DEADLINE, Stage, until};

struct World {
    stage: Stage,
    slot: String,
}

impl World {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let slot = slot::name(&stage.db, &events::spec()).await.unwrap();
        Self { stage, slot }
    }

    fn number(&self) -> (CancellationToken, JoinHandle<Result<(), Error>>) {
        let stop = CancellationToken::new();
        let sink = Box::new(Events::new(self.stage.db.clone()));
        (stop.clone(), tokio::spawn(cdc::run(sink, events::spec(), self.stage.parts(), stop)))
    }

    async fn positions(&self) -> Vec<(Option<i64>, String)> {
        sqlx::query_as("SELECT position, key FROM outbox ORDER BY position, seq")
            .fetch_all(self.stage.db.pool())
            .await
            .unwrap()
    }

    async fn numbered(&self, count: usize) -> Vec<String> {
        until(async || {
            let positions = self.positions().await;
            positions.len() == count && positions.iter().all(|(position, _)| position.is_some())
        })
        .await;
        let positions = self.positions().await;
        let dense: Vec<Option<i64>> = (1..=count as i64).map(Some).collect();
        assert_eq!(positions.iter().map(|(position, _)| *position).collect::<Vec<_>>(), dense);
        positions.into_iter().map(|(_, key)| key).collect()
    }

    async fn close(self) {
        slot::give_up(&self.stage.db, &self.slot).await.unwrap();
    }
}

fn event(key: &str) -> OutboxEvent {
    let now = Clock::system().now();
    OutboxEvent { id: EventId::new(now), kind: "thing.changed", key: key.to_owned(), payload: serde_json::json!({}) }
}

async fn write(db: &Db, key: &str) {
    let mut tx = db.begin().await.unwrap();
    outbox::append(&mut tx, &event(key), Clock::system().now()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn events_have_the_order_of_their_commits_and_not_of_their_writing() {
    let world = World::new().await;
    let db = &world.stage.db;
    write(db, "before there was a stream").await;
    let (stop, task) = world.number();
    world.numbered(1).await;
    let mut slow = db.begin().await.unwrap();
    outbox::append(&mut slow, &event("written first"), Clock::system().now()).await.unwrap();
    write(db, "committed first").await;
    let seen = world.positions().await;
    assert!(seen.iter().all(|(_, key)| key != "written first"));
    slow.commit().await.unwrap();
    let keys = world.numbered(3).await;
    assert_eq!(keys, ["before there was a stream", "committed first", "written first"]);
    stop.cancel();
    task.await.unwrap().unwrap();
    world.close().await;
}

#[tokio::test]
async fn every_event_gets_one_position_whoever_dies() {
    let world = World::new().await;
    let db = &world.stage.db;
    let (_, mut task) = world.number();
    for round in 0..60 {
        write(db, &format!("{round:02}")).await;
        if round % 7 == 3 {
            task.abort();
            drop(task.await);
            task = world.number().1;
        }
        if round % 20 == 10 {
            // The stream knows nothing of this one any more: the table does. More than once in an hour, too.
            slot::give_up(db, &world.slot).await.unwrap();
        }
    }
    let keys = world.numbered(60).await;
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);
    task.abort();
    drop(task.await);
    world.close().await;
}

struct Counter(watch::Sender<Vec<String>>);

#[async_trait]
impl Consumer for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn wants(&self, _: &str) -> bool {
        true
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        self.0.send_modify(|seen| seen.push(event.key.clone()));
        Ok(())
    }
}

#[tokio::test]
async fn an_event_goes_from_its_transaction_to_its_consumer_and_leaves_nothing() {
    let world = World::new().await;
    let db = &world.stage.db;
    let (sender, mut seen) = watch::channel(Vec::new());
    let dispatch = Dispatch::new(db.clone(), Clock::system(), vec![Arc::new(Counter(sender))]);
    let (stop, task) = world.number();
    let delivering = tokio::spawn(Arc::clone(&dispatch).run(stop.clone()));
    for n in 0..50 {
        write(db, &format!("{n:02}")).await;
    }
    let all = seen.wait_for(|seen| seen.len() >= 50);
    let mut all = tokio::time::timeout(DEADLINE, all).await.expect("they arrive").unwrap().clone();
    all.sort();
    assert_eq!(all, (0..50).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    until(async || dispatch.is_done().await.unwrap()).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    delivering.await.unwrap();
    dispatch.tidy().await.unwrap();
    assert!(world.positions().await.is_empty());
    world.close().await;
}
