//! Plaza's WebSocket.

use mock::{FRAME_BYTES_MAX, Settings};
use schemas::contract::{Direction, Validator};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::world::{Socket, World};

const ROOM: &str = "room_01kdvdq3v2f1gtr8m4n6p0s5wz";
const ADA: &str = "usr_01kdvdna07fgas2d158ff867ye";
const BEN: &str = "usr_01kdvdnjs8f0na4t2agyygc3v3";

async fn world() -> World {
    World::start(Settings::default()).await
}

async fn connected(world: &World) -> Socket {
    let mut socket = world.connect("/v1/socket", Some("plaza.v1.json")).await;
    assert_eq!(socket.next().await["t"], "hello");
    socket
}

fn event(kind: &str) -> impl Fn(&Value) -> bool + '_ {
    move |frame| frame["d"]["type"] == kind
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_426() {
    let world = world().await;
    let answer = world.get("/v1/socket").await;
    assert_eq!(answer.problem(), (426, "upgrade_required".to_owned()));
    assert_eq!(answer.headers["sec-websocket-version"], "13");
    assert_eq!(world.post("/v1/socket", &json!({})).await.problem(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn every_command_gets_the_reply_that_is_declared() {
    let world = world().await;
    let validator = Validator::shared();
    let mut socket = world.identified("mock-ada").await;
    let mut id = 100;
    for message in validator.messages().filter(|it| matches!(it.direction, Direction::Command { .. })) {
        for (name, example) in &message.examples {
            if message.name == "identify" {
                continue;
            }
            let mut d = example["d"].clone();
            if d.get("token").is_some() {
                d["token"] = "mock-ada".into();
            }
            id += 1;
            let reply = socket.command(id, &message.name, d).await;
            assert_eq!(reply["t"], "reply", "{} {name}: {reply}", message.name);
            validator.frame(&reply.to_string(), Some(&message.name)).unwrap();
        }
    }
}

#[tokio::test]
async fn every_frame_is_what_the_spec_says() {
    let world = world().await;
    let validator = Validator::shared();
    let mut socket = connected(&world).await;
    let reply = socket.command(1, "identify", json!({ "token": "mock-ben" })).await;
    assert_eq!((&reply["d"]["user"], &reply["d"]["status"]), (&json!(BEN), &json!("fresh")));
    validator.frame(&reply.to_string(), Some("identify")).unwrap();
    let resume = json!({ "token": "mock-ben", "resume": { "epoch": "x", "positions": { ROOM: 3 } } });
    let resumed = connected(&world).await.command(2, "identify", resume).await;
    assert_eq!((&resumed["d"]["status"], &resumed["d"]["replayed"]), (&json!("resync"), &json!(0)));

    for (id, op, d, causes) in [
        (
            10,
            "message.send",
            json!({ "room": ROOM, "client_id": "0193478a-1c55-7d2e-9f1a-2b3c4d5e6f70", "text": "Hello" }),
            "message.created",
        ),
        (11, "message.edit", json!({ "room": ROOM, "seq": 7, "text": "Hallo" }), "message.edited"),
        (12, "message.delete", json!({ "room": ROOM, "seq": 7 }), "message.deleted"),
        (13, "reaction.add", json!({ "room": ROOM, "seq": 7, "emoji": "👍" }), "reaction.added"),
        (14, "reaction.remove", json!({ "room": ROOM, "seq": 7, "emoji": "👍" }), "reaction.removed"),
        (16, "room.delivered", json!({ "room": ROOM, "seq": 7 }), "receipt"),
        (15, "room.read", json!({ "room": ROOM, "seq": 7 }), "read.moved"),
    ] {
        socket.say(&json!({ "id": id, "op": op, "d": d }).to_string()).await;
        let (mut replied, mut caused) = (false, false);
        while !(replied && caused) {
            let frame = socket.next().await;
            validator.frame(&frame.to_string(), Some(op)).unwrap();
            replied |= frame["id"] == id && frame["t"] == "reply";
            caused |= frame["d"]["type"] == causes;
        }
    }
}

#[tokio::test]
async fn what_one_says_arrives_at_the_others() {
    let world = world().await;
    let (mut ada, mut ben) = (world.identified("mock-ada").await, world.identified("mock-ben").await);
    let send = |text: &str| json!({ "room": ROOM, "client_id": "0193478a-1c55-7d2e-9f1a-2b3c4d5e6f70", "text": text });
    let sent = ada.command(2, "message.send", send("Tea?")).await;
    let heard = ben.find(event("message.created")).await;
    assert_eq!(heard["d"]["message"], sent["d"]["message"]);
    assert_eq!((&heard["topic"], &heard["d"]["message"]["sender"]), (&json!(ROOM), &json!(ADA)));
    // Her own devices hear it, too; and numbers go on for all.
    assert_eq!(ada.find(event("message.created")).await["pos"], heard["pos"]);
    let answer = ben.command(2, "message.send", send("With pleasure")).await;
    let number = |frame: &Value| frame["d"]["message"]["seq"].as_u64().unwrap();
    assert!(number(&answer) > number(&sent));
    let next = ada.find(|it| event("message.created")(it) && it["d"]["message"]["sender"] == BEN).await;
    assert!(next["pos"].as_u64() > heard["pos"].as_u64());

    // Typing concerns the others only.
    ada.command(3, "typing.start", json!({ "room": ROOM })).await;
    let typing = ben.find(|it| event("typing")(it) && it["d"]["user"] == ADA).await;
    assert_eq!((&typing["t"], typing.get("pos")), (&json!("signal"), None));
    // Presence concerns those who watch.
    ben.command(4, "presence.watch", json!({ "users": [ADA] })).await;
    ada.command(4, "presence.set", json!({ "state": "idle" })).await;
    let seen = ben.find(|it| event("presence")(it) && it["d"]["user"] == ADA).await;
    assert_eq!((&seen["topic"], &seen["d"]["state"]), (&json!(format!("presence:{ADA}")), &json!("idle")));
}

#[tokio::test]
async fn invalid_input_is_refused_and_the_connection_lives_on() {
    let world = world().await;
    let validator = Validator::shared();
    let mut socket = world.identified("mock-ada").await;
    for (text, id, code, pointer) in [
        ("no JSON".to_owned(), None, "malformed_frame", None),
        (json!({ "op": "history", "d": {} }).to_string(), None, "malformed_frame", None),
        (json!({ "id": 0, "op": "typing.start", "d": { "room": ROOM } }).to_string(), None, "malformed_frame", None),
        (json!({ "id": 3, "op": "typing.start" }).to_string(), None, "malformed_frame", None),
        (json!({ "id": 4, "op": "fly", "d": {} }).to_string(), Some(4), "unknown_command", Some("/op")),
        (
            json!({ "id": 5, "op": "typing.start", "d": { "room": "kitchen" } }).to_string(),
            Some(5),
            "invalid_body",
            Some("/room"),
        ),
        (json!({ "id": 6, "op": "typing.start", "d": {} }).to_string(), Some(6), "invalid_body", Some("/room")),
        (
            json!({ "id": 7, "op": "identify", "d": { "token": "mock-ada" } }).to_string(),
            Some(7),
            "already_identified",
            None,
        ),
        (
            json!({ "id": 8, "op": "token.refresh", "d": { "token": "nobody" } }).to_string(),
            Some(8),
            "unauthenticated",
            None,
        ),
    ] {
        socket.say(&text).await;
        let error = socket.find(|frame| frame["t"] == "error").await;
        validator.frame(&error.to_string(), None).unwrap();
        assert_eq!((error["id"].as_u64(), &error["error"]["code"]), (id, &json!(code)), "{text}");
        assert_eq!(error["error"]["pointer"].as_str(), pointer, "{text}: {error}");
    }
    assert_eq!(socket.command(9, "typing.start", json!({ "room": ROOM })).await["t"], "reply");
}

#[tokio::test]
async fn connections_end_with_the_codes_of_the_spec() {
    let world = world().await;
    for (token, error) in [("nobody", "unauthenticated"), ("mock-expired", "token_expired")] {
        let mut socket = connected(&world).await;
        let refused = socket.command(1, "identify", json!({ "token": token })).await;
        assert_eq!(refused["error"]["code"], error);
        assert_eq!(socket.frame().await, Err(4502));
    }
    let mut socket = connected(&world).await;
    let early = socket.command(1, "typing.start", json!({ "room": ROOM })).await;
    assert_eq!(early["error"]["code"], "not_identified");
    socket.send(Message::binary(vec![1, 2])).await;
    assert_eq!(socket.frame().await, Err(4500));

    // At the limit, and one past it.
    let mut socket = world.identified("mock-ada").await;
    socket.say(&"x".repeat(FRAME_BYTES_MAX)).await;
    assert_eq!(socket.find(|it| it["t"] == "error").await["error"]["code"], "malformed_frame");
    socket.say(&"x".repeat(FRAME_BYTES_MAX + 1)).await;
    let end = loop {
        if let Err(code) = socket.frame().await {
            break code;
        }
    };
    assert_eq!(end, 1009);
}

#[tokio::test]
async fn the_timeline_plays_for_all_and_is_numbered_alike() {
    let world = world().await;
    let (mut ada, mut ben) = (world.identified("mock-ada").await, world.identified("mock-ben").await);
    let validator = Validator::shared();
    let typing = ada.find(event("typing")).await;
    assert_eq!(typing["d"]["user"], BEN);
    let said = ada.find(event("message.created")).await;
    validator.frame(&said.to_string(), None).unwrap();
    assert_eq!(said["d"]["message"]["text"], "Tea at four?");
    assert_eq!(ben.find(event("message.created")).await, said);
}

#[tokio::test]
async fn commands_fail_when_told_to() {
    let world = World::start(Settings { fail_rate: 1.0, ..Settings::default() }).await;
    let mut socket = world.identified("mock-ada").await;
    let failed = socket.command(2, "typing.start", json!({ "room": ROOM })).await;
    assert_eq!((&failed["error"]["code"], &failed["error"]["retry"]), (&json!("store_unavailable"), &json!(true)));
}
