//! The implementations under test, each as several nodes over one store.

use std::sync::Arc;
use std::time::Duration;

use chat::log::{Draft, Head, Message, MessageLog, cassandra::Cassandra, postgres::Postgres};
use chat::sequencer::{self, Known, Moment, Sequencer, local::Local};
use kernel::{Clock, RoomId, UserId};
use live::Bus;
use live::bus::{RedisBus, Window};
use uuid::Uuid;

/// Shared by the tests that do not lose it, so that they do not all wait for a new memory's rest.
const LASTING: &str = "plaza_test_chat:";
const DEADLINE: Duration = Duration::from_secs(60);

pub async fn postgres() -> Vec<Arc<dyn MessageLog>> {
    let db = ::postgres::testing::fresh().await;
    (0..3).map(|_| Postgres::new(db.clone()) as Arc<dyn MessageLog>).collect()
}

pub async fn cassandra_local() -> Vec<Arc<dyn MessageLog>> {
    let db = ::cassandra::testing::shared().await;
    let sequencer = Arc::new(Local::new(Clock::system()));
    let mut nodes: Vec<Arc<dyn MessageLog>> = Vec::new();
    for _ in 0..3 {
        nodes.push(Cassandra::open(db.clone(), Arc::clone(&sequencer) as Arc<dyn Sequencer>).await.unwrap());
    }
    nodes
}

pub async fn cassandra_redis() -> Vec<Arc<dyn MessageLog>> {
    let db = ::cassandra::testing::shared().await;
    let mut nodes: Vec<Arc<dyn MessageLog>> = Vec::new();
    for _ in 0..3 {
        nodes.push(Cassandra::open(db.clone(), lasting().await).await.unwrap());
    }
    nodes
}

/// Two of them, with the first one's bus, which shares its link to Redis.
pub async fn cassandra_redis_and_bus() -> ([Arc<dyn MessageLog>; 2], Arc<dyn Bus>) {
    let (db, redis) = (::cassandra::testing::shared().await, client().await);
    let one = Cassandra::open(db.clone(), lasting_over(redis.clone()).await).await.unwrap();
    let other = Cassandra::open(db, lasting().await).await.unwrap();
    let prefix = format!("plaza_test_{}:", Uuid::now_v7().simple());
    ([one, other], Arc::new(RedisBus::connect(redis, prefix, Window::default()).await.unwrap()))
}

/// Of a message whose sender was asked about just now.
pub const fn known(looked_up: Option<Moment>) -> Known {
    Known { looked_up, gate: None }
}

/// A memory in Redis that has rested.
pub async fn lasting() -> Arc<sequencer::redis::Redis> {
    lasting_over(client().await).await
}

async fn lasting_over(redis: ::redis::Redis) -> Arc<sequencer::redis::Redis> {
    let sequencer = Arc::new(sequencer::redis::Redis::open(redis, LASTING).await.unwrap());
    rested(&sequencer).await;
    sequencer
}

pub async fn rested(sequencer: &sequencer::redis::Redis) {
    eventually("the memory has rested", async || sequencer.rest().await.unwrap().is_zero()).await;
}

pub async fn client() -> ::redis::Redis {
    let url =
        std::env::var("PLAZA_TEST_REDIS_URL").expect("this test needs Redis: run ./test, or set PLAZA_TEST_REDIS_URL");
    ::redis::Redis::connect(&::redis::Settings::new(url))
        .await
        .expect("PLAZA_TEST_REDIS_URL names a server that answers")
}

/// Asks until the answer is yes.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asked = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

pub fn user() -> UserId {
    UserId::new(Clock::system().now())
}

pub fn room() -> RoomId {
    RoomId::new(Clock::system().now())
}

pub fn draft(room: RoomId, sender: UserId, text: &str) -> Draft {
    Draft {
        room,
        sender,
        client_id: Uuid::now_v7(),
        text: text.to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        at: Clock::system().now(),
    }
}

pub fn texts(messages: &[Message]) -> Vec<(u64, &str)> {
    messages.iter().map(|message| (message.seq, message.body.text.as_str())).collect()
}

pub fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

/// The heads' numbers.
pub async fn heads(log: &dyn MessageLog, rooms: &[RoomId]) -> Vec<u64> {
    log.heads(rooms).await.unwrap().iter().map(|head| head.seq).collect()
}

/// A head without a time.
pub fn head(seq: u64) -> Head {
    Head { seq, ..Head::default() }
}
