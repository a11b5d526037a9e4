//! What every bus must do, on each of them.

use std::sync::Arc;
use std::time::Duration;

use kernel::{RoomId, Timestamp, UserId};
use live::bus::{LocalBus, Ordered, RedisBus, Window};
use live::{Bus, CloseReason, Control, Incoming, Position, Publication, Signal, Since, Topic, UserEvent};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::sync::mpsc::Receiver;

mod lost;

const WINDOW: Window = Window { length: 8, age: Duration::from_secs(60) };
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// Two nodes on one bus, the second with a place to hear.
struct Nodes {
    speaker: Arc<dyn Bus>,
    hearer: Arc<dyn Bus>,
    incoming: Receiver<Incoming>,
}

impl Nodes {
    fn of(speaker: Arc<dyn Bus>, hearer: Arc<dyn Bus>) -> Self {
        let incoming = hearer.incoming().unwrap();
        assert!(hearer.incoming().is_none(), "a node has one ear");
        Self { speaker, hearer, incoming }
    }

    fn local() -> Self {
        let speaker = LocalBus::new(WINDOW);
        let hearer = speaker.another_node(1024);
        Self::of(Arc::new(speaker), Arc::new(hearer))
    }

    async fn redis() -> Self {
        let prefix = format!("test:{:016x}:", rand::random::<u64>());
        Self::redis_at(&crate::redis_url(), &prefix).await
    }

    async fn redis_at(url: &str, prefix: &str) -> Self {
        let settings = ::redis::Settings::new(url);
        let mut nodes = Vec::<Arc<dyn Bus>>::new();
        for _ in 0..2 {
            let redis = ::redis::Redis::connect(&settings).await.unwrap();
            nodes.push(Arc::new(RedisBus::connect(redis, prefix, WINDOW).await.unwrap()));
        }
        let hearer = nodes.pop().unwrap();
        Self::of(nodes.pop().unwrap(), hearer)
    }

    async fn hear(&mut self) -> Incoming {
        tokio::time::timeout(HEARD_WITHIN, self.incoming.recv()).await.expect("nothing was heard").unwrap()
    }

    async fn hear_event(&mut self) -> Publication {
        match self.hear().await {
            Incoming::Event { publication, .. } => publication,
            other => panic!("expected an event, heard {other:?}"),
        }
    }

    async fn publish(&self, topic: Topic, number: u64) {
        self.speaker.publish(topic, &event(number)).await.unwrap();
    }

    async fn in_order(&self, topic: Topic, seq: u64) -> Ordered {
        self.speaker.publish_in_order(topic, seq, &event(seq)).await.unwrap()
    }

    async fn complete(&self, topic: Topic, after: &Position) -> Option<Vec<u64>> {
        match self.hearer.since(topic, after).await.unwrap() {
            Since::Complete(events) => Some(events.iter().map(number).collect()),
            Since::Lost => None,
        }
    }
}

fn event(number: u64) -> UserEvent {
    UserEvent { control: Vec::new(), body: Some(to_raw_value(&json!({ "type": "test", "n": number })).unwrap()) }
}

fn number(publication: &Publication) -> u64 {
    let event: serde_json::Value = serde_json::from_slice(&publication.event).unwrap();
    event["body"]["n"].as_u64().unwrap()
}

fn room() -> Topic {
    Topic::Room(RoomId::from_uuid(uuid::Uuid::from_u128(rand::random())))
}

async fn events_arrive_in_order_with_rising_numbers(mut nodes: Nodes) {
    let topic = room();
    let position = nodes.hearer.follow(topic).await.unwrap();
    for n in 1..=5 {
        nodes.publish(topic, n).await;
    }
    for n in 1..=5 {
        let publication = nodes.hear_event().await;
        assert_eq!((number(&publication), publication.offset), (n, position.offset + n));
        assert_eq!(publication.seq, None);
    }
    let now = nodes.hearer.positions(&[topic]).await.unwrap().remove(0);
    assert_eq!(now, Position { offset: position.offset + 5, ..position.clone() });
    assert_eq!(nodes.complete(topic, &position).await, Some(vec![1, 2, 3, 4, 5]));
    assert_eq!(nodes.complete(topic, &now).await, Some(vec![]));
}

async fn a_window_ends_at_its_length_and_one_more_is_lost(nodes: Nodes) {
    let topic = room();
    let start = nodes.hearer.follow(topic).await.unwrap();
    let length = WINDOW.length as u64;
    for n in 1..=length {
        nodes.publish(topic, n).await;
    }
    assert_eq!(nodes.complete(topic, &start).await, Some((1..=length).collect()));
    nodes.publish(topic, length + 1).await;
    assert_eq!(nodes.complete(topic, &start).await, None);
    let next = Position { offset: start.offset + 1, ..start.clone() };
    assert_eq!(nodes.complete(topic, &next).await, Some((2..=length + 1).collect()));
    let ahead = Position { offset: start.offset + length + 2, ..start.clone() };
    assert_eq!(nodes.complete(topic, &ahead).await, None, "a position that was never reached");
    let other = Position { epoch: "another".into(), ..next };
    assert_eq!(nodes.complete(topic, &other).await, None, "a position of another memory");
}

async fn what_comes_early_waits_for_its_turn(mut nodes: Nodes) {
    let topic = room();
    nodes.hearer.follow(topic).await.unwrap();
    assert_eq!(nodes.in_order(topic, 7).await, Ordered::Published);
    assert_eq!(nodes.in_order(topic, 10).await, Ordered::Waiting { missing: 8 });
    assert_eq!(nodes.in_order(topic, 9).await, Ordered::Waiting { missing: 8 });
    assert_eq!(nodes.in_order(topic, 9).await, Ordered::Waiting { missing: 8 }, "a repeat of what waits");
    assert_eq!(nodes.in_order(topic, 8).await, Ordered::Published);
    assert_eq!(nodes.in_order(topic, 9).await, Ordered::Published, "a repeat of what was published");
    assert_eq!(nodes.in_order(topic, 11).await, Ordered::Published);
    for seq in 7..=11 {
        let publication = nodes.hear_event().await;
        assert_eq!((number(&publication), publication.seq), (seq, Some(seq)));
    }
}

async fn what_comes_too_late_for_its_place_makes_old_positions_lost(mut nodes: Nodes) {
    let topic = room();
    let before = nodes.hearer.follow(topic).await.unwrap();
    assert_eq!(nodes.in_order(topic, 6).await, Ordered::Published);
    assert_eq!(nodes.in_order(topic, 5).await, Ordered::Published);
    assert_eq!(number(&nodes.hear_event().await), 6);
    assert_eq!(nodes.complete(topic, &before).await, None);
    assert_eq!(nodes.in_order(topic, 7).await, Ordered::Published);
    assert_eq!(number(&nodes.hear_event().await), 7);
}

async fn a_hole_that_nobody_fills_is_given_up_at_the_limit(nodes: Nodes) {
    let topic = room();
    let before = nodes.hearer.follow(topic).await.unwrap();
    nodes.in_order(topic, 1).await;
    let limit = live::bus::HELD_MAX as u64;
    for seq in 3..3 + limit {
        assert_eq!(nodes.in_order(topic, seq).await, Ordered::Waiting { missing: 2 });
    }
    assert_eq!(nodes.in_order(topic, 3 + limit).await, Ordered::Published);
    assert_eq!(nodes.complete(topic, &before).await, None);
    assert_eq!(nodes.in_order(topic, 4 + limit).await, Ordered::Published);
}

async fn orders_and_signals_are_heard_and_not_kept(mut nodes: Nodes) {
    let topic = Topic::User(UserId::new(Timestamp::from_millis(7)));
    let position = nodes.hearer.follow(topic).await.unwrap();
    let order = Control::Close { session: None, reason: CloseReason::SessionRevoked };
    nodes.speaker.publish(topic, &UserEvent { control: vec![order.clone()], body: None }).await.unwrap();
    let signal = Signal { body: to_raw_value(&json!({ "type": "typing" })).unwrap(), by: None, key: "typing".into() };
    nodes.speaker.signal(topic, &signal).await.unwrap();
    match nodes.hear().await {
        Incoming::Control { topic: heard, event } => assert_eq!((heard, event.control), (topic, vec![order])),
        other => panic!("expected an order, heard {other:?}"),
    }
    match nodes.hear().await {
        Incoming::Signal { topic: heard, signal } => assert_eq!((heard, signal.key.as_str()), (topic, "typing")),
        other => panic!("expected a signal, heard {other:?}"),
    }
    assert_eq!(nodes.hearer.positions(&[topic]).await.unwrap(), [position]);
}

async fn a_topic_that_is_left_is_not_heard_and_goes_on(mut nodes: Nodes) {
    let (left, kept) = (room(), room());
    let position = nodes.hearer.follow(left).await.unwrap();
    nodes.hearer.follow(kept).await.unwrap();
    assert_eq!(nodes.hearer.follow(left).await.unwrap(), position, "following twice is following");
    nodes.hearer.unfollow(left).await;
    nodes.hearer.unfollow(left).await;
    nodes.publish(left, 1).await;
    nodes.publish(kept, 2).await;
    assert_eq!(number(&nodes.hear_event().await), 2);
    let again = nodes.hearer.follow(left).await.unwrap();
    assert_eq!(again.offset, position.offset + 1);
    assert_eq!(nodes.complete(left, &position).await, Some(vec![1]));
}

/// However many are asked for together, in the order in which they are asked for, and whether anybody spoke or not.
async fn where_many_topics_stand_is_told_in_their_order(nodes: Nodes) {
    let topics: Vec<Topic> = std::iter::repeat_with(room).take(100).collect();
    let spoken = |number: usize| number as u64 % 3;
    let mut expected = Vec::new();
    for (number, topic) in topics.iter().enumerate() {
        let start = nodes.hearer.follow(*topic).await.unwrap();
        for n in 0..spoken(number) {
            nodes.publish(*topic, n).await;
        }
        expected.push(Position { offset: start.offset + spoken(number), ..start });
    }
    for count in [0, 1, 2, 31, 32, 33, 64, 65, topics.len()] {
        assert_eq!(nodes.hearer.positions(&topics[..count]).await.unwrap(), expected[..count], "of {count} topics");
    }
}

macro_rules! conformance {
    ($($case:ident)*) => {
        mod local {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Nodes::local()).await;
            })*
        }
        mod redis {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Nodes::redis().await).await;
            })*
        }
    };
}

conformance! {
    events_arrive_in_order_with_rising_numbers
    a_window_ends_at_its_length_and_one_more_is_lost
    what_comes_early_waits_for_its_turn
    what_comes_too_late_for_its_place_makes_old_positions_lost
    a_hole_that_nobody_fills_is_given_up_at_the_limit
    orders_and_signals_are_heard_and_not_kept
    a_topic_that_is_left_is_not_heard_and_goes_on
    where_many_topics_stand_is_told_in_their_order
}

/// A node that does not take what it hears is told, once there is room, that it missed something.
#[tokio::test]
async fn a_full_ear_hears_that_it_missed_something() {
    let speaker = LocalBus::new(WINDOW);
    let hearer = speaker.another_node(2);
    let mut nodes = Nodes::of(Arc::new(speaker), Arc::new(hearer));
    let topic = room();
    nodes.hearer.follow(topic).await.unwrap();
    for n in 1..=5 {
        nodes.publish(topic, n).await;
    }
    assert_eq!(number(&nodes.hear_event().await), 1);
    assert_eq!(number(&nodes.hear_event().await), 2);
    assert!(matches!(nodes.hear().await, Incoming::Suspect));
}

/// A topic that is used lives on, and its window stays short, though a script sees to neither with each event.
#[tokio::test]
async fn a_topic_that_is_used_lives_on_and_its_window_stays_short() {
    static AGE: ::redis::Script = ::redis::Script::new(
        "local stand = redis.call('GET', KEYS[1])
         local kept = struct.unpack('<d', stand, 25) - ARGV[1]
         redis.call('SET', KEYS[1], string.sub(stand, 1, 24) .. struct.pack('<d', kept) .. string.sub(stand, 33))
         for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end",
    );
    static LOOK: ::redis::Script = ::redis::Script::new(
        "return { redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2]), redis.call('LLEN', KEYS[2]) }",
    );
    const LEFT_MS: u64 = 30_000;
    let redis = ::redis::Redis::connect(&::redis::Settings::new(crate::redis_url())).await.unwrap();
    let prefix = format!("test:{:016x}:", rand::random::<u64>());
    let nodes = Nodes::redis_at(&crate::redis_url(), &prefix).await;
    let topic = room();
    let keys = ["stand", "window"].map(|part| format!("{prefix}bus:{{{topic}}}:{part}")).to_vec();
    let look = async || redis.run::<Vec<u64>>(&LOOK, keys.clone(), Vec::<String>::new()).await.unwrap();
    nodes.hearer.follow(topic).await.unwrap();
    for n in 1..=3 * WINDOW.length as u64 {
        nodes.publish(topic, n).await;
    }
    let [head, window, length] = look().await.try_into().unwrap();
    assert!(head > LEFT_MS && window > LEFT_MS, "{head} and {window} ms are left");
    assert!((WINDOW.length as u64..=WINDOW.length as u64 + 1).contains(&length), "{length} events are kept");
    for sixteenth in [WINDOW.age / 16, WINDOW.age] {
        let args = vec![(sixteenth.as_millis() + 1).to_string(), LEFT_MS.to_string()];
        redis.run::<()>(&AGE, keys.clone(), args).await.unwrap();
        nodes.publish(topic, 0).await;
        let [head, window, _] = look().await.try_into().unwrap();
        assert!(head > LEFT_MS && window > LEFT_MS, "{head} and {window} ms are left");
    }
}
