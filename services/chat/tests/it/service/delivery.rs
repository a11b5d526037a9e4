//! Delivery, when the bus fails or a node dies between the log and the bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chat::log::{Draft, MessageLog, postgres::Postgres};
use futures_util::future::join_all;
use live::bus::Ordered;
use live::{Bus, BusError, Incoming, Position, Signal, Since, Topic, UserEvent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::town::Town;
use crate::stores;

/// A bus that loses what it is given, as often as it was told, and looks whether the log is ahead of it.
struct Flaky {
    bus: Arc<dyn Bus>,
    failures_left: AtomicU64,
    log: Arc<dyn MessageLog>,
}

impl Flaky {
    fn fail(&self) -> Result<(), BusError> {
        let left = self.failures_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() { Err(BusError::Unavailable("told to fail".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Bus for Flaky {
    async fn publish(&self, topic: Topic, event: &UserEvent) -> Result<(), BusError> {
        self.bus.publish(topic, event).await
    }
    async fn publish_in_order(&self, topic: Topic, seq: u64, event: &UserEvent) -> Result<Ordered, BusError> {
        self.fail()?;
        let Topic::Room(room) = topic else { panic!("{topic} has no numbers of its own") };
        let head = self.log.heads(&[room]).await.unwrap()[0].seq;
        assert!(head >= seq, "{seq} is told of while the log's head is {head}");
        self.bus.publish_in_order(topic, seq, event).await
    }
    async fn signal(&self, topic: Topic, signal: &Signal) -> Result<(), BusError> {
        self.bus.signal(topic, signal).await
    }
    async fn follow(&self, topic: Topic) -> Result<Position, BusError> {
        self.bus.follow(topic).await
    }
    async fn unfollow(&self, topic: Topic) {
        self.bus.unfollow(topic).await;
    }
    async fn since(&self, topic: Topic, after: &Position) -> Result<Since, BusError> {
        self.bus.since(topic, after).await
    }
    async fn positions(&self, topics: &[Topic]) -> Result<Vec<Position>, BusError> {
        self.bus.positions(topics).await
    }
    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.bus.incoming()
    }
}

/// The numbers of the next messages that are heard.
async fn hear_messages(town: &Town, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        let heard = town.hear().await;
        assert_eq!(heard.kind(), "message.created");
        seqs.push(heard.body["message"]["seq"].as_u64().unwrap());
    }
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_lost_is_delivered_in_order_and_nobody_waited_for_it() {
    let db = postgres::testing::fresh().await;
    let log = Postgres::new(db.clone());
    let mut flaky = None;
    let town = Town::with(db, log.clone(), |bus| {
        let made = Arc::new(Flaky { bus, failures_left: AtomicU64::new(0), log });
        flaky = Some(Arc::clone(&made));
        made
    });
    let flaky = flaky.unwrap();
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.follow([Topic::Room(room)]).await;
    town.say(ada, room, "1").await;
    assert_eq!(hear_messages(&town, 1).await, [1]);

    flaky.failures_left.store(7, Ordering::Relaxed);
    for n in 2..=5 {
        // The acknowledgement comes although nothing is delivered.
        assert_eq!(town.say(ada, room, &n.to_string()).await.seq, n);
    }
    assert!(town.is_quiet().await);
    let stop = CancellationToken::new();
    let run = tokio::spawn(Arc::clone(&town.chat).run(town.clock.clone(), stop.clone()));
    // The relay fails three times more before it gets through.
    assert_eq!(hear_messages(&town, 4).await, [2, 3, 4, 5]);
    town.say(ben, room, "6").await;
    assert_eq!(hear_messages(&town, 1).await, [6]);
    stop.cancel();
    run.await.unwrap();
    assert!(town.is_quiet().await);
}

/// Who hears of a message and then asks where the room stands, as a device that has just come, is not told of before.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_stands_in_the_head() {
    let log = Arc::clone(&stores::cassandra_local().await[0]);
    let town = Town::with(postgres::testing::fresh().await, Arc::clone(&log), |bus| {
        Arc::new(Flaky { bus, failures_left: AtomicU64::new(0), log })
    });
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    for n in 1..=20 {
        assert_eq!(town.say(ada, room, &n.to_string()).await.seq, n);
    }
}

/// The same where the head and what is told are both in Redis: settling need not be answered before, only be on its way.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_of_stands_in_the_head_on_all_nodes() {
    let (nodes, bus) = stores::cassandra_redis_and_bus().await;
    let town = Town::with(postgres::testing::fresh().await, Arc::clone(&nodes[0]), |_| bus);
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let rooms = [town.direct(ada, ben).await, town.direct(ada, cleo).await, town.direct(ben, cleo).await];
    town.follow(rooms.map(Topic::Room)).await;
    for n in 1..=30 {
        let said = [(ada, rooms[0]), (ada, rooms[1]), (ben, rooms[2])].map(|(who, room)| town.say(who, room, "hello"));
        let heard = async {
            for _ in 0..rooms.len() {
                let Topic::Room(room) = town.hear().await.topic else { panic!("only rooms are followed") };
                assert_eq!(stores::heads(&*nodes[1], &[room]).await, [n]);
            }
        };
        tokio::join!(join_all(said), heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_node_died_before_publishing_comes_before_the_next_one() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.follow([Topic::Room(room)]).await;
    town.say(ada, room, "1").await;
    let stop = CancellationToken::new();
    let run = tokio::spawn(Arc::clone(&town.chat).run(town.clock.clone(), stop.clone()));
    for n in 2..=3 {
        let draft = Draft {
            room,
            sender: ben,
            client_id: Uuid::now_v7(),
            text: n.to_string(),
            reply_to: None,
            mentions: Vec::new(),
            at: town.clock.now(),
        };
        assert_eq!(town.log.append(draft).await.unwrap().message.seq, n);
    }
    assert_eq!(town.say(ada, room, "4").await.seq, 4);
    assert_eq!(hear_messages(&town, 4).await, [1, 2, 3, 4]);
    stop.cancel();
    run.await.unwrap();
    assert!(town.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_senders_are_heard_in_the_order_of_the_numbers() {
    let town = Arc::new(Town::new().await);
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.follow([Topic::Room(room)]).await;
    let stop = CancellationToken::new();
    let run = tokio::spawn(Arc::clone(&town.chat).run(town.clock.clone(), stop.clone()));
    town.say(ada, room, "first").await;
    let says = (0..100).map(|n| {
        let town = Arc::clone(&town);
        tokio::spawn(async move { town.say(if n % 2 == 0 { ada } else { ben }, room, &n.to_string()).await.seq })
    });
    let mut acked: Vec<u64> = join_all(says).await.into_iter().map(Result::unwrap).collect();
    acked.sort_unstable();
    assert_eq!(acked, (2..=101).collect::<Vec<_>>());
    assert_eq!(hear_messages(&town, 101).await, (1..=101).collect::<Vec<_>>());
    stop.cancel();
    run.await.unwrap();
}
