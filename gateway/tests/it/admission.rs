//! Before the upgrade, and how many.

use std::time::Instant;

use gateway::Limits;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, SOON, refused, request};
use crate::node::{Node, Person};

#[tokio::test]
async fn only_an_upgrade_to_our_subprotocol_is_taken() {
    let node = Node::start().await;
    for (header, value) in [("sec-websocket-protocol", Some("chat.v9")), ("sec-websocket-version", Some("8"))] {
        let mut request = request(node.address);
        request.headers_mut().remove(header);
        if let Some(value) = value {
            request.headers_mut().insert(header, value.parse().unwrap());
        }
        let response = refused(request).await;
        assert_eq!(response.status(), 426, "{header}");
        assert_eq!(response.headers()["upgrade"], "websocket");
    }
    let mut several = request(node.address);
    several.headers_mut().insert("sec-websocket-protocol", "chat.v9, plaza.v1.json".parse().unwrap());
    tokio_tungstenite::connect_async(several).await.unwrap();
}

#[tokio::test]
async fn pages_connect_from_allowed_origins_only() {
    let node = Node::start().await;
    let with_origin = |origin: String| {
        let mut request = request(node.address);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    assert_eq!(refused(with_origin("https://evil.example".to_owned())).await.status(), 403);
    for origin in ["https://app.example.com".to_owned(), format!("http://{}", node.address)] {
        tokio_tungstenite::connect_async(with_origin(origin)).await.unwrap();
    }
}

#[tokio::test]
async fn a_storm_is_admitted_at_a_bounded_rate() {
    const BURST: u32 = 2;
    let node = Node::limited(Limits { admissions_burst: BURST, admissions_per_second: 1, ..Limits::default() }).await;
    let start = Instant::now();
    let mut admitted = Vec::new();
    let refusal = loop {
        match tokio_tungstenite::connect_async(request(node.address)).await {
            Ok((socket, _)) => admitted.push(socket),
            Err(Error::Http(response)) => break response.status(),
            Err(other) => panic!("expected a refusal, got {other:?}"),
        }
        // The burst, and one for each second that this took so far: a slow machine takes longer, and gets more.
        assert!(admitted.len() as u64 <= u64::from(BURST) + start.elapsed().as_secs() + 1, "no bound");
    };
    assert_eq!(refusal, 503);
    assert!(admitted.len() as u32 >= BURST, "{} admitted", admitted.len());
}

#[tokio::test]
async fn a_full_server_and_a_full_address_take_no_more_and_take_again_when_somebody_left() {
    let full = Node::limited(Limits { connections: 1, ..Limits::default() }).await;
    let crowded = Node::limited(Limits { connections_per_address: 1, ..Limits::default() }).await;
    for (node, status) in [(&full, 503), (&crowded, 429)] {
        let client = Client::open(node.address).await;
        assert_eq!(refused(request(node.address)).await.status(), status);
        drop(client);
        let again = async {
            while tokio_tungstenite::connect_async(request(node.address)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, again).await.expect("the place was not given back");
    }
}

#[tokio::test]
async fn an_account_has_so_many_connections_and_no_more() {
    let node = Node::limited(Limits { connections_per_account: 2, ..Limits::default() }).await;
    let (ada, ben) = (Person::new(), Person::new());
    let first = node.connect(ada).await;
    let _second = node.connect(ada).await;
    let mut third = Client::open(node.address).await;
    let answer = third.call("identify", serde_json::json!({ "token": ada.token(60) })).await;
    assert_eq!(answer["error"]["code"], "too_many_connections");
    assert_eq!(third.closed().await, 4505);
    node.connect(ben).await;
    drop(first);
    node.world.present.subscribe().wait_for(|present| present.len() == 1).await.unwrap();
    node.connect(ada).await;
}
