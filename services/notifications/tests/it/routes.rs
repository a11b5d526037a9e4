//! Every route: what it answers, and what it answers to nonsense. Each answer is checked against openapi.

use http::{Method, StatusCode};
use kernel::ContentKind;
use serde_json::json;

use crate::world::{ADA, BEN, CLEO, World};

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;

#[tokio::test]
async fn an_inbox_over_rest() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    world.likes(BEN, post).await;
    let comment = world.says(CLEO, Some((post, post)), &[]).await;
    let page = world.send(GET, "/v1/notifications?limit=1", Some(ADA), None).await;
    assert_eq!(page.body["items"][0]["what"], "commented");
    assert_eq!(page.body["items"][0]["latest"], comment.to_string());
    let next = page.body["next"].as_str().unwrap();
    let rest = world.send(GET, &format!("/v1/notifications?cursor={next}"), Some(ADA), None).await;
    assert_eq!((&rest.body["items"][0]["what"], rest.body.get("next")), (&json!("reacted"), None));
    assert_eq!(
        world.send(GET, "/v1/notifications/unread", Some(ADA), None).await.body,
        json!({ "unread": 2, "more": false })
    );
    let until = page.body["items"][0]["at"].clone();
    let read = world.send(PUT, "/v1/notifications/read", Some(ADA), Some(json!({ "until": until }))).await;
    assert_eq!(read.body, json!({ "unread": 0, "more": false, "read_until": until }));
    assert_eq!(world.send(GET, "/v1/notifications", Some(BEN), None).await.body, json!({ "items": [] }));
}

#[tokio::test]
async fn nonsense_is_refused() {
    let world = World::new().await;
    for query in ["limit=0", "limit=101", "limit=x", "page=2"] {
        let answer = world.send(GET, &format!("/v1/notifications?{query}"), Some(ADA), None).await;
        assert_eq!(answer.failure(), (422, "invalid_query"), "{query}");
    }
    assert_eq!(world.send(GET, "/v1/notifications?limit=100", Some(ADA), None).await.status, StatusCode::OK);
    for query in ["cursor=nonsense", "cursor="] {
        let answer = world.send(GET, &format!("/v1/notifications?{query}"), Some(ADA), None).await;
        assert_eq!(answer.failure(), (422, "invalid_cursor"), "{query}");
    }
    for body in [json!({}), json!({ "until": "noon" }), json!({ "until": 7 }), json!({ "until": null }), json!([])] {
        let answer = world.send(PUT, "/v1/notifications/read", Some(ADA), Some(body.clone())).await;
        assert_eq!(answer.failure(), (422, "invalid_body"), "{body}");
    }
    let more = json!({ "until": "2026-11-21T13:50:00.000Z", "all": true });
    assert_eq!(world.send(PUT, "/v1/notifications/read", Some(ADA), Some(more)).await.failure(), (422, "invalid_body"));
    for (method, path) in
        [(GET, "/v1/notifications"), (GET, "/v1/notifications/unread"), (PUT, "/v1/notifications/read")]
    {
        assert_eq!(world.send(method, path, None, None).await.failure(), (401, "unauthenticated"), "{path}");
    }
}
