//! Commands and their answers.

use gateway::Limits;
use gateway::limits::{FRAME_BYTES_MAX, REFUSALS_MAX};
use serde_json::{Value, json};

use crate::client::Client;
use crate::node::{Node, Person, room};

#[tokio::test]
async fn an_answer_carries_the_id_of_its_command() {
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    client.text(r#"{"id":77,"op":"test.echo","d":{"n": 1.50}}"#).await;
    let answer = client.next().await;
    assert_eq!(answer, json!({ "t": "reply", "id": 77, "d": { "n": 1.5 } }));
}

#[tokio::test]
async fn failures_say_code_message_and_whether_to_try_again() {
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    let answer = client.call("test.fail", json!(null)).await;
    assert_eq!(
        answer["error"],
        json!({ "code": "conflict", "message": "As you wish.", "retry": false, "retry_after_ms": 7, "pointer": "/d" })
    );
    let answer = client.call("test.panic", json!(null)).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["retry"]), (&"internal".into(), &true.into()));
    assert_eq!(client.call("no.such", json!(null)).await["error"]["code"], "unknown_command");
    assert_eq!(client.call("identify", json!({ "token": "x" })).await["error"]["code"], "already_identified");
    assert_eq!(client.call("test.echo", json!(1)).await["d"], 1, "the connection goes on");
}

#[tokio::test]
async fn what_is_no_command_gets_an_error_without_an_id() {
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    for text in ["", "{", "[]", r#"{"op":"test.echo","d":1}"#, r#"{"id":1,"op":"test.echo","d":1,"more":2}"#] {
        client.text(text).await;
        let answer = client.frame("error").await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&"malformed_frame".into(), &Value::Null));
    }
}

#[tokio::test]
async fn nothing_is_answered_before_identify() {
    let node = Node::start().await;
    let mut client = Client::open(node.address).await;
    assert_eq!(client.call("test.echo", json!(1)).await["error"]["code"], "not_identified");
    assert_eq!(client.identify(Person::new(), None).await["status"], "fresh", "it may still do so");
}

#[tokio::test]
async fn writes_keep_their_order_and_reads_overtake_them() {
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    let waiting = client.send("test.wait", json!(null)).await;
    let after = client.send("test.echo", json!(null)).await;
    let read = client.send("test.read", json!(null)).await;
    assert_eq!(client.next().await["id"], read);
    node.world.gate.add_permits(1);
    assert_eq!(client.next().await["id"], waiting);
    assert_eq!(client.next().await["id"], after);
}

#[tokio::test]
async fn so_many_commands_may_be_unanswered_and_no_more() {
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    let most = Limits::default().commands_in_flight;
    for _ in 0..most {
        client.send("test.wait", json!(null)).await;
    }
    let answer = client.call("test.wait", json!(null)).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["retry"]), (&"too_many_in_flight".into(), &true.into()));
    node.world.gate.add_permits(most);
    for _ in 0..most {
        client.frame("reply").await;
    }
    assert_eq!(client.call("test.echo", json!(1)).await["t"], "reply");
}

#[tokio::test]
async fn commands_beyond_the_rate_are_refused_with_the_wait() {
    let node = Node::limited(Limits { commands_burst: 4, commands_per_minute: 1, ..Limits::default() }).await;
    // Identifying is one of them.
    let mut client = node.connect(Person::new()).await;
    for _ in 0..3 {
        assert_eq!(client.call("test.echo", json!(1)).await["t"], "reply");
    }
    let answer = client.call("test.echo", json!(1)).await;
    assert_eq!(answer["error"]["code"], "rate_limited");
    assert!((1_000..=60_000).contains(&answer["error"]["retry_after_ms"].as_u64().unwrap()));
    // One was refused already.
    for _ in 1..REFUSALS_MAX {
        assert_eq!(client.call("test.echo", json!(1)).await["error"]["code"], "rate_limited");
    }
    client.send("test.echo", json!(1)).await;
    assert_eq!(client.closed().await, 4500, "who does not listen is closed");
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let node = Node::start().await;
    let frame = |length: usize| {
        let empty = r#"{"id":5,"op":"test.echo","d":""}"#;
        empty.replace(r#""""#, &format!(r#""{}""#, "x".repeat(length - empty.len())))
    };
    let mut client = node.connect(Person::new()).await;
    client.text(&frame(FRAME_BYTES_MAX)).await;
    assert_eq!(client.frame("reply").await["id"], 5);
    client.text(&frame(FRAME_BYTES_MAX + 1)).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn binary_frames_end_the_connection() {
    use futures_util::SinkExt as _;
    let node = Node::start().await;
    let mut client = node.connect(Person::new()).await;
    client.socket.send(vec![1u8, 2].into()).await.unwrap();
    assert_eq!(client.closed().await, 4500);
}

#[tokio::test]
async fn a_command_may_follow_topics_up_to_the_limit() {
    let node = Node::limited(Limits { topics: 3, ..Limits::default() }).await;
    let mut client = node.connect(Person::new()).await;
    let (one, two, three) = (room(), room(), room());
    let answer = client.call("test.follow", json!([one, two])).await;
    assert_eq!(answer["positions"], json!({ one.to_string(): 0, two.to_string(): 0 }));
    node.publish(one, 1).await;
    assert_eq!(client.number().await, 1);
    // Two and the person's own: the fourth is one too many, one that is followed already is not.
    assert_eq!(client.call("test.follow", json!([three])).await["error"]["code"], "too_many_topics");
    assert_eq!(client.call("test.follow", json!([one])).await["positions"], json!({ one.to_string(): 1 }));
    client.call("test.unfollow", json!([one])).await;
    client.call("test.follow", json!([three])).await;
    node.publish(one, 2).await;
    node.publish(three, 3).await;
    assert_eq!(client.number().await, 3);
}
