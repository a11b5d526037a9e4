//! Coming back, and going on where one was.

use std::sync::atomic::Ordering;

use plaza_client::{CommandError, ConnectError, Event, ResumeStatus, Subscription};
use serde_json::{Value, json};

use crate::server::Server;

/// The positions of the updates that come next, until something else does, which comes along.
async fn updates(events: &mut Subscription) -> (Vec<u64>, Event) {
    let mut seen = Vec::new();
    loop {
        match events.next().await.unwrap() {
            Event::Update { pos, .. } => seen.push(pos),
            other => return (seen, other),
        }
    }
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_repeats_are_dropped() {
    let server = Server::start().await;
    let (socket, mut events) = server.client();
    let (mut link, identify) = server.accept().await;
    assert_eq!(identify["d"]["token"], "access");
    assert_eq!(identify["d"].get("resume"), None);
    server.identified(&mut link, &identify, "fresh", json!({"room_1": 4})).await;
    link.event("room_1", 5).await;
    assert!(matches!(events.next().await, Some(Event::Connected { how: ResumeStatus::Fresh, .. })));
    assert!(matches!(events.next().await, Some(Event::Update { pos: 5, .. })));
    drop(link);
    assert!(matches!(events.next().await, Some(Event::Disconnected { .. })));

    let (mut link, identify) = server.accept().await;
    assert_eq!(identify["d"]["resume"], json!({"epoch": "e1", "positions": {"room_1": 5}}));
    server.identified(&mut link, &identify, "resumed", json!({"room_2": 9})).await;
    for pos in [5, 6, 6, 7] {
        link.event("room_1", pos).await;
    }
    link.event("room_2", 10).await;
    link.close(4000).await;
    assert!(matches!(events.next().await, Some(Event::Connected { how: ResumeStatus::Resumed, .. })));
    let (seen, _) = updates(&mut events).await;
    assert_eq!(seen, [6, 7, 10]);
    assert_eq!(socket.stats().repeats.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_hole_in_a_topic_is_closed_by_a_resume() {
    let server = Server::start().await;
    let (socket, mut events) = server.client();
    let (mut link, identify) = server.accept().await;
    server.identified(&mut link, &identify, "fresh", json!({"room_1": 4})).await;
    link.event("room_1", 5).await;
    link.event("room_1", 8).await;
    assert!(matches!(events.next().await, Some(Event::Connected { .. })));
    let (seen, then) = updates(&mut events).await;
    assert_eq!(seen, [5]);
    assert!(matches!(then, Event::Disconnected { .. }));
    let (_link, identify) = server.accept().await;
    assert_eq!(identify["d"]["resume"]["positions"], json!({"room_1": 5}));
    assert_eq!(socket.stats().holes.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_terminal_close_is_the_end_and_says_why() {
    let server = Server::start().await;
    let (socket, mut events) = server.client();
    let (mut link, identify) = server.accept().await;
    server.identified(&mut link, &identify, "fresh", json!({})).await;
    link.close(4503).await;
    assert!(matches!(events.next().await, Some(Event::Connected { .. })));
    let end = events.next().await;
    assert!(matches!(end, Some(Event::Closed { why: ConnectError::Closed { code: 4503, .. } })), "{end:?}");
    assert!(events.next().await.is_none());
    let refused = socket.call::<Value>("typing.start", &json!({})).await;
    assert!(matches!(refused, Err(CommandError::Closed)), "{refused:?}");
}

#[tokio::test]
async fn a_command_without_reply_is_interrupted_and_one_that_waits_is_sent_later() {
    let server = Server::start().await;
    let (socket, mut events) = server.client();
    let (mut link, identify) = server.accept().await;
    server.identified(&mut link, &identify, "fresh", json!({})).await;
    assert!(matches!(events.next().await, Some(Event::Connected { .. })));

    let first = tokio::spawn({
        let socket = socket.clone();
        async move { socket.call::<Value>("first", &json!({})).await }
    });
    assert_eq!(link.hear().await["op"], "first");
    drop(link);
    assert!(matches!(first.await.unwrap(), Err(CommandError::Interrupted)));

    let second = tokio::spawn(async move { socket.call::<Value>("second", &json!({"n": 1})).await });
    let (mut link, identify) = server.accept().await;
    server.identified(&mut link, &identify, "resumed", json!({})).await;
    let command = link.hear().await;
    assert_eq!((&command["op"], &command["d"]), (&json!("second"), &json!({"n": 1})));
    let refusal = json!({"code": "rate_limited", "message": "Too often.", "retry": true, "retry_after_ms": 20});
    link.say(json!({"t": "error", "id": command["id"], "error": refusal})).await;
    let error = second.await.unwrap().unwrap_err();
    assert!(error.is_temporary() && error.code() == Some("rate_limited"), "{error}");
}

#[tokio::test]
async fn resync_and_gaps_are_told() {
    let server = Server::start().await;
    let (_socket, mut events) = server.client();
    let (mut link, identify) = server.accept().await;
    server.identified(&mut link, &identify, "fresh", json!({"room_1": 4, "room_2": 1})).await;
    assert!(matches!(events.next().await, Some(Event::Connected { .. })));

    let topics = json!([{"topic": "room_1", "pos": 40}]);
    link.say(json!({"t": "resync", "reason": "gap", "epoch": "e1", "topics": topics})).await;
    link.event("room_1", 41).await;
    let Some(Event::Resync { topics }) = events.next().await else { panic!("no resync") };
    assert_eq!(topics, ["room_1"]);
    assert!(matches!(events.next().await, Some(Event::Update { pos: 41, .. })));

    let room = "room_01kdvdna0gfyc87w3bqvz1sgxm";
    for (pos, seq) in [(2, 7), (3, 8), (4, 11)] {
        let body = json!({"type": "message.created", "message": {"room": room, "seq": seq}});
        link.say(json!({"t": "event", "topic": "room_2", "pos": pos, "d": body})).await;
    }
    let (seen, then) = updates(&mut events).await;
    assert_eq!(seen, [2, 3]);
    assert!(matches!(then, Event::Gap { after: 8, before: 11, .. }), "{then:?}");
    assert!(matches!(events.next().await, Some(Event::Update { pos: 4, .. })));
}
