//! Coming back.

use std::sync::Arc;

use gateway::Limits;
use gateway::limits::REPLAY_EVENTS_MAX;
use live::bus::{LocalBus, Window};

use crate::client::{Client, Place};
use crate::node::{Lossy, Node, Person, WINDOW, World, publish, room};

/// Two nodes on one bus.
async fn two(world: &Arc<World>, window: Window) -> (Node, Node) {
    let bus = LocalBus::new(window);
    let other = Arc::new(bus.another_node(1024));
    (Node::with(world, Arc::new(bus), Limits::default()).await, Node::with(world, other, Limits::default()).await)
}

#[tokio::test]
async fn what_was_missed_comes_on_another_node_in_order_before_anything_newer() {
    let world = World::new();
    let (one, other) = two(&world, WINDOW).await;
    let (ada, room) = (Person::new(), room());
    world.join(ada.user, room);

    let mut client = Client::open(one.address).await;
    let mut place = Place::of(&client.identify(ada, None).await);
    assert_eq!(place.positions.len(), 2, "the person's own topic and the room");
    one.publish(room, 1).await;
    let event = client.frame("event").await;
    assert_eq!(event["topic"], room.to_string());
    place.saw(&event);
    drop(client);
    for number in 2..=40 {
        one.publish(room, number).await;
    }

    let mut client = Client::open(other.address).await;
    let identified = client.identify(ada, Some(&place)).await;
    assert_eq!((&identified["status"], &identified["replayed"]), (&"resumed".into(), &39.into()));
    assert!(identified["positions"].as_object().unwrap().is_empty(), "all topics were named: {identified}");
    other.publish(room, 41).await;
    assert_eq!(client.numbers(40).await, (2..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn topics_that_are_new_and_topics_that_are_gone_are_told() {
    let world = World::new();
    let (one, other) = two(&world, WINDOW).await;
    let (ada, old, new) = (Person::new(), room(), room());
    world.join(ada.user, old);
    let place = Place::of(&Client::open(one.address).await.identify(ada, None).await);
    world.part(ada.user, old);
    world.join(ada.user, new);
    let identified = Client::open(other.address).await.identify(ada, Some(&place)).await;
    assert_eq!(identified["status"], "resumed");
    assert_eq!(identified["gone"], serde_json::json!([old.to_string()]));
    let positions = identified["positions"].as_object().unwrap();
    assert_eq!(positions.keys().collect::<Vec<_>>(), [&new.to_string()]);
}

#[tokio::test]
async fn a_window_that_does_not_reach_back_means_resync_and_nothing_is_replayed() {
    let world = World::new();
    let (one, _other) = two(&world, WINDOW).await;
    let (ada, room) = (Person::new(), room());
    world.join(ada.user, room);
    let place = Place::of(&Client::open(one.address).await.identify(ada, None).await);
    for number in 0..=WINDOW.length as u64 {
        one.publish(room, number).await;
    }
    let mut client = Client::open(one.address).await;
    let identified = client.identify(ada, Some(&place)).await;
    assert_eq!((&identified["status"], &identified["replayed"]), (&"resync".into(), &0.into()));
    assert_eq!(identified["positions"].as_object().unwrap().len(), 2, "where to go on from");
    one.publish(room, 1_000).await;
    assert_eq!(client.number().await, 1_000);
}

#[tokio::test]
async fn a_resume_is_whole_at_its_limit_and_a_resync_past_it() {
    let world = World::new();
    let (one, _other) = two(&world, Window { length: 2_000, ..WINDOW }).await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        world.join(person.user, room);
    }
    let place = Place::of(&Client::open(one.address).await.identify(ada, None).await);
    let mut witness = one.connect(ben).await;
    let most = REPLAY_EVENTS_MAX as u64;
    for number in 1..=most {
        one.publish(room, number).await;
        witness.number().await;
    }
    let mut client = Client::open(one.address).await;
    let identified = client.identify(ada, Some(&place)).await;
    assert_eq!((&identified["status"], &identified["replayed"]), (&"resumed".into(), &most.into()));
    assert_eq!(client.numbers(REPLAY_EVENTS_MAX).await, (1..=most).collect::<Vec<_>>());
    one.publish(room, most + 1).await;
    witness.number().await;
    let identified = Client::open(one.address).await.identify(ada, Some(&place)).await;
    assert_eq!(identified["status"], "resync");
}

#[tokio::test]
async fn positions_of_another_epoch_or_of_the_future_mean_resync() {
    let node = Node::start().await;
    let ada = Person::new();
    let place = Place::of(&Client::open(node.address).await.identify(ada, None).await);
    let mut other_epoch = place.clone();
    other_epoch.epoch = "0123456789abcdef".to_owned();
    let mut ahead = place.clone();
    ahead.positions.insert(ada.topic().to_string(), 99.into());
    for place in [other_epoch, ahead] {
        let identified = Client::open(node.address).await.identify(ada, Some(&place)).await;
        assert_eq!(identified["status"], "resync", "{place:?}");
    }
}

/// Events of the next test: fewer than a resume may replay.
const ALL: u64 = 1_000;

/// Events are published while the client comes back, so that some are replayed and some come by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_slips_between_what_is_replayed_and_what_is_live() {
    let world = World::new();
    let (one, other) = two(&world, Window { length: 4_000, ..WINDOW }).await;
    let (ada, room) = (Person::new(), room());
    world.join(ada.user, room);
    let mut place = Place::of(&Client::open(one.address).await.identify(ada, None).await);
    let bus = Arc::clone(&one.bus);
    let publisher = tokio::spawn(async move {
        for number in 1..=ALL {
            publish(&*bus, room, number).await;
            if number % 10 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut seen = 0;
    for turn in 0..20 {
        let node = if turn % 2 == 0 { &one } else { &other };
        let mut client = Client::open(node.address).await;
        assert_eq!(client.identify(ada, Some(&place)).await["status"], "resumed");
        for _ in 0..(ALL - seen).min(50) {
            let event = client.frame("event").await;
            seen += 1;
            assert_eq!(event["d"]["n"], seen, "turn {turn}");
            place.saw(&event);
        }
    }
    assert_eq!(seen, ALL);
    publisher.await.unwrap();
}

#[tokio::test]
async fn a_hole_is_filled_when_the_next_event_shows_it() {
    let (node, lossy) = lossy().await;
    let (ada, room) = (Person::new(), room());
    node.world.join(ada.user, room);
    let mut client = node.connect(ada).await;
    node.publish(room, 1).await;
    assert_eq!(client.number().await, 1);
    lossy.losing.store(true, std::sync::atomic::Ordering::SeqCst);
    node.publish(room, 2).await;
    node.publish(room, 3).await;
    settle(&node, room).await;
    lossy.losing.store(false, std::sync::atomic::Ordering::SeqCst);
    node.publish(room, 4).await;
    assert_eq!(client.numbers(3).await, [2, 3, 4]);
}

#[tokio::test]
async fn a_lost_tail_is_found_without_any_further_event() {
    let (node, lossy) = lossy().await;
    let (ada, room) = (Person::new(), room());
    node.world.join(ada.user, room);
    let mut client = node.connect(ada).await;
    lossy.losing.store(true, std::sync::atomic::Ordering::SeqCst);
    node.publish(room, 1).await;
    assert_eq!(client.number().await, 1);
}

#[tokio::test]
async fn a_hole_that_cannot_be_filled_is_confessed_to_all_who_follow() {
    let (node, lossy) = lossy().await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        node.world.join(person.user, room);
    }
    let mut clients = [node.connect(ada).await, node.connect(ben).await];
    lossy.losing.store(true, std::sync::atomic::Ordering::SeqCst);
    for number in 0..=WINDOW.length as u64 {
        node.publish(room, number).await;
    }
    settle(&node, room).await;
    lossy.losing.store(false, std::sync::atomic::Ordering::SeqCst);
    node.publish(room, 1_000).await;
    for client in &mut clients {
        let resync = client.frame("resync").await;
        assert_eq!(resync["reason"], "gap");
        assert_eq!(resync["topics"][0]["topic"], room.to_string());
    }
    node.publish(room, 1_001).await;
    for client in &mut clients {
        // The hole may have been found by the check, before the event that was to show it.
        while client.number().await != 1_001 {}
    }
}

#[tokio::test]
async fn a_hole_that_is_found_during_identify_is_confessed_after_its_answer() {
    let (node, lossy) = lossy().await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        node.world.join(person.user, room);
    }
    let mut ben = node.connect(ben).await;
    *node.world.slow.lock() = Some(ada.user);
    let mut client = Client::open(node.address).await;
    let id = client.send("identify", serde_json::json!({ "token": ada.token(600) })).await;
    let mut present = node.world.present.subscribe();
    present.wait_for(|present| present.iter().any(|(peer, _)| peer.user == ada.user)).await.unwrap();
    lossy.losing.store(true, std::sync::atomic::Ordering::SeqCst);
    for number in 0..=WINDOW.length as u64 {
        node.publish(room, number).await;
    }
    settle(&node, room).await;
    lossy.losing.store(false, std::sync::atomic::Ordering::SeqCst);
    node.publish(room, 1_000).await;
    ben.frame("resync").await;
    node.world.gate.add_permits(1);
    let answer = client.next().await;
    assert_eq!((&answer["t"], &answer["id"]), (&"reply".into(), &id.into()), "{answer}");
    client.frame("resync").await;
}

/// A node whose bus can be made to lose.
async fn lossy() -> (Node, Arc<Lossy>) {
    let bus = Arc::new(Lossy::new(LocalBus::new(WINDOW)));
    (Node::with(&World::new(), bus.clone(), Limits::default()).await, bus)
}

/// Waits until what was published on `topic` is past the lossy part of the way: a signal comes after it.
async fn settle(node: &Node, topic: live::Topic) {
    let ben = Person::new();
    node.world.join(ben.user, topic);
    let mut witness = node.connect(ben).await;
    let body = serde_json::value::to_raw_value(&serde_json::json!({ "type": "test" })).unwrap();
    node.bus.signal(topic, &live::Signal { body, by: None, key: "settle".to_owned() }).await.unwrap();
    while witness.next().await["t"] != "signal" {}
    node.world.part(ben.user, topic);
}
