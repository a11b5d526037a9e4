//! Deadlines, tokens, coming and going.

use std::time::Duration;

use futures_util::StreamExt as _;
use gateway::Limits;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, SOON, refused, request};
use crate::node::{Node, Person};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn hello_tells_the_limits() {
    let node = Node::start().await;
    let client = Client::open(node.address).await;
    assert_eq!(client.hello["heartbeat_ms"], 25_000);
    assert_eq!(client.hello["identify_within_ms"], 10_000);
    assert_eq!(
        client.hello["limits"],
        json!({
            "frame_bytes": 65_536, "commands_in_flight": 16, "commands_per_minute": 120, "topics": 1_000,
            "connections": 20,
        })
    );
}

#[tokio::test]
async fn who_does_not_identify_in_time_is_closed() {
    let node = Node::limited(Limits { identify_within: SHORT, ..Limits::default() }).await;
    assert_eq!(Client::open(node.address).await.closed().await, 4501);
}

#[tokio::test]
async fn a_refused_token_ends_the_connection_and_a_store_that_is_down_asks_to_come_back() {
    let node = Node::start().await;
    for (d, error, code) in [
        (json!({ "token": "forged" }), "unauthenticated", 4502),
        (json!({ "token": Person::new().token(-1) }), "unauthenticated", 4502),
        (json!({ "token": "store-down" }), "store_unavailable", 4003),
        (json!({ "token": Person::new().token(60), "more": 1 }), "invalid_body", 4500),
        (json!({ "token": Person::new().token(60), "presence": null }), "invalid_body", 4500),
        (json!([Person::new().token(60)]), "invalid_body", 4500),
    ] {
        let mut client = Client::open(node.address).await;
        assert_eq!(client.call("identify", d).await["error"]["code"], error);
        assert_eq!(client.closed().await, code, "{error}");
    }
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_lives_by_its_pongs() {
    let limits = Limits { ping_after: SHORT, pings_missed_max: 3, ..Limits::default() };
    let node = Node::limited(limits).await;
    let mut client = node.connect(Person::new()).await;
    // Reading answers the pings; these are more than the dead would get.
    for _ in 0..6 {
        let message = tokio::time::timeout(SOON, client.socket.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
    }
    assert_eq!(client.call("test.echo", json!(1)).await["d"], 1);
}

#[tokio::test]
async fn a_dead_client_is_closed_after_so_many_pings() {
    let limits = Limits { ping_after: SHORT, pings_missed_max: 2, close_within: SHORT, ..Limits::default() };
    let node = Node::limited(limits).await;
    let _client = node.connect(Person::new()).await;
    let gone = node.world.present.subscribe();
    // The client does not read, so it does not answer.
    tokio::time::timeout(SOON, gone.clone().wait_for(Vec::is_empty)).await.expect("never closed").unwrap();
}

#[tokio::test]
async fn a_token_is_announced_to_expire_and_can_be_refreshed_in_band() {
    let limits = Limits { expiring_notice: Duration::from_secs(60), expiry_grace: SHORT, ..Limits::default() };
    let node = Node::limited(limits).await;
    let ada = Person::new();
    let mut client = Client::open(node.address).await;
    let answer = client.call("identify", json!({ "token": ada.token(6) })).await;
    assert_eq!(answer["t"], "reply");
    let expiring = client.frame("expiring").await;
    assert!(expiring["in_ms"].as_u64().unwrap() <= 6_000, "{expiring}");
    let other = client.call("token.refresh", json!({ "token": Person::new().token(60) })).await;
    assert_eq!(other["error"]["code"], "other_session");
    let refreshed = client.call("token.refresh", json!({ "token": ada.token(8) })).await;
    assert!(refreshed["d"]["token_expires_at"].is_string(), "{refreshed}");
    assert_eq!(client.frame("expiring").await["t"], "expiring", "the new one is announced too");
    assert_eq!(client.closed().await, 4504, "and was not refreshed");
}

#[tokio::test]
async fn slices_hear_of_who_comes_and_who_goes() {
    let node = Node::start().await;
    let ada = Person::new();
    let mut client = Client::open(node.address).await;
    client.call("identify", json!({ "token": ada.token(60), "presence": "idle" })).await;
    let mut present = node.world.present.subscribe();
    {
        let present = present.wait_for(|present| present.len() == 1).await.unwrap();
        assert_eq!((present[0].0.user, present[0].1.as_deref()), (ada.user, Some("idle")));
    }
    drop(client);
    tokio::time::timeout(SOON, present.wait_for(Vec::is_empty)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopping_node_sends_its_clients_elsewhere_and_takes_no_more() {
    let limits = Limits { drain_within: SHORT, close_within: SOON, ..Limits::default() };
    let node = Node::limited(limits).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(node.connect(Person::new()).await);
    }
    let gateway = node.gateway.clone();
    let drained = tokio::spawn(async move { gateway.drain().await });
    for client in &mut clients {
        let advice = client.frame("reconnect").await;
        assert!(advice["after_ms"].as_u64().unwrap() <= SHORT.as_millis() as u64);
        assert_eq!(advice["reason"], "going_away");
        assert_eq!(client.closed().await, 4000);
    }
    assert_eq!(refused(request(node.address)).await.status(), 503);
    drop(clients);
    tokio::time::timeout(SOON, drained).await.expect("never done").unwrap();
    assert_eq!(node.gateway.connections(), 0);
}

#[tokio::test]
async fn the_dead_do_not_hold_up_a_stop() {
    let limits = Limits { drain_within: SHORT, close_within: SHORT, ..Limits::default() };
    let node = Node::limited(limits).await;
    let _dead = node.connect(Person::new()).await;
    tokio::time::timeout(SOON, node.gateway.drain()).await.expect("held up");
}
