//! From the bus to the sockets.

use std::time::Duration;

use futures_util::StreamExt as _;
use gateway::Limits;
use live::{CloseReason, Control, Signal, UserEvent};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::client::{Client, Place, SOON};
use crate::node::{Node, Person, room};

#[tokio::test]
async fn an_event_reaches_every_device_of_everybody_in_the_room_in_order() {
    let node = Node::start().await;
    let room = room();
    let people = [Person::new(), Person::new()];
    let mut clients = Vec::new();
    for person in people {
        node.world.join(person.user, room);
        clients.push(node.connect(person).await);
        clients.push(node.connect(person).await);
    }
    for number in 1..=20 {
        node.publish(room, number).await;
    }
    for client in &mut clients {
        assert_eq!(client.numbers(20).await, (1..=20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_order_to_follow_is_obeyed_before_its_event_is_seen() {
    let node = Node::start().await;
    let (ada, room) = (Person::new(), room());
    let mut client = node.connect(ada).await;
    node.publish(room, 1).await;
    node.order(ada.topic(), Control::Follow(room), Some(json!({ "type": "joined" }))).await;
    let joined = client.frame("event").await;
    assert_eq!(joined["positions"], json!({ room.to_string(): 1 }), "the client can resume from there");
    node.publish(room, 2).await;
    assert_eq!(client.number().await, 2);
    node.order(ada.topic(), Control::Unfollow(room), Some(json!({ "type": "left" }))).await;
    client.frame("event").await;
    node.publish(room, 3).await;
    node.publish(ada.topic(), 4).await;
    assert_eq!(client.number().await, 4, "nothing more of the room");
}

#[tokio::test]
async fn events_behind_an_order_keep_their_place() {
    let node = Node::start().await;
    let ada = Person::new();
    let mut client = node.connect(ada).await;
    for number in 1..=10 {
        node.order(ada.topic(), Control::Follow(room()), Some(json!({ "type": "joined", "n": 2 * number - 1 }))).await;
        node.publish(ada.topic(), 2 * number).await;
    }
    assert_eq!(client.numbers(20).await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_revoked_sessions_sockets_close_and_the_others_stay() {
    let node = Node::start().await;
    let phone = Person::new();
    let tablet = Person { session: Person::new().session, ..phone };
    let (mut on_phone, mut on_tablet) = (node.connect(phone).await, node.connect(tablet).await);
    node.world.revoke(phone.session);
    let reason = CloseReason::SessionRevoked;
    node.order(phone.topic(), Control::Close { session: Some(phone.session), reason }, None).await;
    assert_eq!(on_phone.closed().await, 4503);
    let mut again = Client::open(node.address).await;
    let answer = again.call("identify", json!({ "token": phone.token(60) })).await;
    assert_eq!(answer["error"]["code"], "unauthenticated");
    assert_eq!(again.closed().await, 4502);
    assert_eq!(on_tablet.call("test.echo", json!(1)).await["d"], 1);
    let reason = CloseReason::AccountClosed;
    node.order(phone.topic(), Control::Close { session: None, reason }, None).await;
    assert_eq!(on_tablet.closed().await, 4506);
}

#[tokio::test]
async fn signals_go_to_others_and_have_no_number() {
    let node = Node::start().await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        node.world.join(person.user, room);
    }
    let (mut of_ada, mut of_ben) = (node.connect(ada).await, node.connect(ben).await);
    let body = to_raw_value(&json!({ "type": "typing" })).unwrap();
    node.bus.signal(room, &Signal { body, by: Some(ada.user), key: "ada".to_owned() }).await.unwrap();
    let signal = of_ben.frame("signal").await;
    assert_eq!(signal, json!({ "t": "signal", "topic": room.to_string(), "d": { "type": "typing" } }));
    node.publish(room, 1).await;
    assert_eq!(of_ada.number().await, 1, "no echo of the own signal");
}

/// Reads nothing while far more is published than the queue and the kernel's buffers hold, then everything up to the
/// close. The rest comes on resume.
#[tokio::test]
async fn who_does_not_read_is_closed_without_a_hole_and_delays_nobody() {
    // However long the publishing below takes: it is the queue that ends the connection, not the wait for the kernel.
    let long = Duration::from_secs(3_600);
    let limits = Limits { write_within: long, close_within: long, ping_after: long, ..Limits::default() };
    let node = Node::limited(limits).await;
    let (ada, ben, room) = (Person::new(), Person::new(), room());
    for person in [ada, ben] {
        node.world.join(person.user, room);
    }
    let mut slow = Client::open(node.address).await;
    let mut place = Place::of(&slow.identify(ada, None).await);
    let mut quick = node.connect(ben).await;
    let filling = "x".repeat(60_000);
    for number in 1..=400u64 {
        let body = to_raw_value(&json!({ "type": "test", "n": number, "x": filling })).unwrap();
        node.bus.publish(room, &UserEvent { control: Vec::new(), body: Some(body) }).await.unwrap();
        assert_eq!(quick.number().await, number, "the quick one keeps up");
    }
    let mut seen = 0;
    let code = loop {
        let message = tokio::time::timeout(SOON, slow.socket.next()).await.unwrap().unwrap().unwrap();
        match message {
            Message::Text(text) => {
                let event: serde_json::Value = serde_json::from_str(&text).unwrap();
                seen += 1;
                assert_eq!(event["d"]["n"], seen, "no hole before the close");
                place.saw(&event);
            }
            Message::Close(frame) => break u16::from(frame.unwrap().code),
            _ => {}
        }
    };
    assert_eq!(code, 4001);
    assert!(seen < 400, "nobody holds 24 MB for one client");
    let identified = Client::open(node.address).await.identify(ada, Some(&place)).await;
    assert_eq!((&identified["status"], &identified["replayed"]), (&"resync".into(), &0.into()), "too much to replay");
}

/// Bare sockets, so that what arrives in one piece can be told: many events that wait leave in few writes.
#[tokio::test]
async fn what_waits_leaves_in_few_writes() {
    let node = Node::start().await;
    let (ada, room) = (Person::new(), room());
    node.world.join(ada.user, room);
    let client = node.connect(ada).await;
    let before = node.writes();
    for number in 0..64 {
        node.publish(room, number).await;
    }
    let mut stream = match client.socket.into_inner() {
        tokio_tungstenite::MaybeTlsStream::Plain(stream) => stream,
        _ => unreachable!("no TLS here"),
    };
    let mut received = Vec::new();
    while received.windows(4).filter(|bytes| bytes == b"\"n\":").count() < 64 {
        tokio::time::timeout(SOON, stream.read_buf(&mut received)).await.unwrap().unwrap();
    }
    let used = node.writes() - before;
    assert!(used < 32, "{used} writes for 64 events");
}
