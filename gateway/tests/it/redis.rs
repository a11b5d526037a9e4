//! Two nodes that share nothing but a Redis.

use std::sync::Arc;

use gateway::Limits;
use live::bus::RedisBus;
use redis::testing::Server;
use redis::{Redis, Settings};
use serde_json::json;

use crate::client::{Client, Place};
use crate::node::{Node, Person, WINDOW, World, publish, room};

async fn two(world: &Arc<World>, url: &str) -> (Node, Node) {
    let prefix = format!("test:gateway:{:016x}:", rand::random::<u64>());
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let redis = Redis::connect(&Settings::new(url)).await.unwrap();
        let bus = Arc::new(RedisBus::connect(redis, prefix.as_str(), WINDOW).await.unwrap());
        nodes.push(Node::with(world, bus, Limits::default()).await);
    }
    let other = nodes.pop().unwrap();
    (nodes.pop().unwrap(), other)
}

fn shared() -> String {
    std::env::var("PLAZA_TEST_REDIS_URL").expect("run ./test, or set PLAZA_TEST_REDIS_URL")
}

#[tokio::test]
async fn events_reach_the_other_node_and_a_client_resumes_there() {
    let world = World::new();
    let (one, other) = two(&world, &shared()).await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        world.join(person.user, room);
    }
    let mut of_ben = other.connect(ben).await;
    let mut of_ada = Client::open(one.address).await;
    let mut place = Place::of(&of_ada.identify(ada, None).await);
    for number in 1..=10 {
        one.publish(room, number).await;
    }
    assert_eq!(of_ben.numbers(10).await, (1..=10).collect::<Vec<_>>());
    for _ in 0..10 {
        place.saw(&of_ada.frame("event").await);
    }
    drop(of_ada);
    for number in 11..=30 {
        one.publish(room, number).await;
    }
    let mut of_ada = Client::open(other.address).await;
    let identified = of_ada.identify(ada, Some(&place)).await;
    assert_eq!(identified["status"], "resumed");
    one.publish(room, 31).await;
    assert_eq!(of_ada.numbers(21).await, (11..=31).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_emptied_redis_means_resync_to_everybody_and_nobody_is_disconnected() {
    let server = Server::start().await;
    let world = World::new();
    let (one, other) = two(&world, &server.url()).await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        world.join(person.user, room);
    }
    let mut of_ada = Client::open(one.address).await;
    let mut place = Place::of(&of_ada.identify(ada, None).await);
    let mut clients = [of_ada, other.connect(ben).await];
    one.publish(room, 1).await;
    for client in &mut clients {
        assert_eq!(client.number().await, 1);
    }

    // The order to close her socket never comes: it was given to a Redis that no longer is.
    let cleo = Person::new();
    let mut of_cleo = other.connect(cleo).await;
    world.revoke(cleo.session);

    let _server = server.restart_empty().await;
    assert_eq!(of_cleo.closed().await, 4503);
    for client in &mut clients {
        let resync = client.frame("resync").await;
        assert_eq!(resync["reason"], "epoch");
        assert_ne!(resync["epoch"], place.epoch.as_str());
        assert_eq!(resync["topics"].as_array().unwrap().len(), 2, "{resync}");
    }
    publish(&*one.bus, room, 2).await;
    for client in &mut clients {
        assert_eq!(client.number().await, 2, "nobody is left deaf");
        assert_eq!(client.call("test.echo", json!(1)).await["d"], 1, "nor disconnected");
    }
    place.positions.retain(|topic, _| topic.starts_with("room"));
    let again = Client::open(other.address).await.identify(ada, Some(&place)).await;
    assert_eq!(again["status"], "resync", "what was known of before means nothing");
}
