//! Every route: what it answers, and what it answers to nonsense. Each answer is checked against openapi.

use http::{Method, StatusCode};
use kernel::ContentKind;
use serde_json::{Value, json};

use crate::world::World;

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

#[tokio::test]
async fn engagement_over_rest() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let content = world.publish(ada, ContentKind::Story);
    let path = |end: &str| format!("/v1/content/{content}/{end}");
    let send = async |method, path: &str, body: Option<Value>| world.send(method, path, Some(ben), body).await;
    let reacted = send(PUT, &path("reaction"), Some(json!({ "reaction": "wow" }))).await;
    assert_eq!(reacted.body["counts"]["reactions"], json!({ "wow": 1 }));
    assert_eq!(send(PUT, &path("save"), None).await.body["mine"]["saved"], true);
    assert_eq!(send(PUT, &path("share"), Some(json!({}))).await.body["mine"]["shared"], true);
    assert_eq!(send(PUT, &path("share"), Some(json!({ "text": "Look!" }))).await.body["counts"]["shares"], 1);
    let views = json!({ "views": [{ "content": content, "request": "1f0c", "position": 2, "dwell_ms": 1200 }] });
    assert_eq!(send(POST, "/v1/views", Some(views)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(GET, &path("reactions"), None).await.body["items"][0]["reaction"], "wow");
    assert_eq!(send(GET, &path("reactions?reaction=like"), None).await.body["items"], json!([]));
    assert_eq!(send(GET, &path("shares"), None).await.body["items"][0]["text"], "Look!");
    let saved = send(GET, "/v1/me/saved?limit=1", None).await;
    assert_eq!(saved.body["items"][0]["content"]["id"], content.to_string());
    for end in ["reaction", "save", "share"] {
        for _ in 0..2 {
            assert_eq!(send(DELETE, &path(end), None).await.status, StatusCode::NO_CONTENT);
        }
    }
    assert_eq!(send(GET, "/v1/me/saved", None).await.body["items"], json!([]));
}

#[tokio::test]
async fn what_is_hidden_is_404_and_without_a_token_nothing_goes() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let content = world.publish(ada, ContentKind::Post);
    world.hide(ben, content);
    let reaction = Some(json!({ "reaction": "like" }));
    for (method, end, body) in [
        (PUT, "reaction", reaction.clone()),
        (PUT, "save", None),
        (PUT, "share", Some(json!({}))),
        (GET, "reactions", None),
        (GET, "shares", None),
    ] {
        let path = format!("/v1/content/{content}/{end}");
        let hidden = world.send(method.clone(), &path, Some(ben), body.clone()).await;
        assert_eq!(hidden.failure(), (404, "content_not_found"), "{end}");
        let missing = path.replace(&content.to_string(), "post_01k9v41x6ze5t9mgq2r7wshcb4");
        let missing = world.send(method.clone(), &missing, Some(ben), body.clone()).await;
        assert_eq!(missing.failure(), (404, "content_not_found"), "{end}");
        assert_eq!(world.send(method, &path, None, body).await.failure(), (401, "unauthenticated"), "{end}");
    }
    for (method, path, body) in [
        (GET, "/v1/me/saved".to_owned(), None),
        (POST, "/v1/views".to_owned(), Some(json!({ "views": [] }))),
        (DELETE, format!("/v1/content/{content}/reaction"), None),
        (DELETE, format!("/v1/content/{content}/save"), None),
        (DELETE, format!("/v1/content/{content}/share"), None),
    ] {
        assert_eq!(world.send(method, &path, None, body).await.failure(), (401, "unauthenticated"), "{path}");
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    let world = World::new().await;
    let [ada] = world.people();
    let content = world.publish(ada, ContentKind::Post);
    let view = |request: &str, position: u32, dwell_ms: u64| json!({ "views": [{ "content": content, "request": request, "position": position, "dwell_ms": dwell_ms }] });
    let many = |count: usize| json!({ "views": vec![view("r", 0, 1)["views"][0].clone(); count] });
    assert_eq!(world.send(POST, "/v1/views", Some(ada), Some(many(100))).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        world.send(POST, "/v1/views", Some(ada), Some(view("r", 9_999, 3_600_000))).await.status,
        StatusCode::NO_CONTENT
    );
    let share = format!("/v1/content/{content}/share");
    let long = json!({ "text": "é".repeat(500) });
    assert_eq!(world.send(PUT, &share, Some(ada), Some(long)).await.status, StatusCode::OK);
    let reaction = format!("/v1/content/{content}/reaction");
    for (method, path, body, failure) in [
        (PUT, &reaction, json!({ "reaction": "boredom" }), (422, "invalid_body")),
        (PUT, &reaction, json!({}), (422, "invalid_body")),
        (PUT, &reaction, json!({ "reaction": "like", "loud": true }), (422, "invalid_body")),
        (PUT, &reaction, json!({ "reaction": null }), (422, "invalid_body")),
        (PUT, &share, json!({ "text": "é".repeat(501) }), (422, "invalid_share_text")),
        (PUT, &share, json!({ "text": " " }), (422, "invalid_share_text")),
        (PUT, &share, json!({ "text": "a\u{0}b" }), (422, "invalid_share_text")),
        (PUT, &share, json!({ "text": 7 }), (422, "invalid_body")),
        (POST, &"/v1/views".to_owned(), json!({ "views": [] }), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), many(101), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), view("", 0, 1), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), view(&"r".repeat(65), 0, 1), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), view("r", 10_000, 1), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), view("r", 0, 3_600_001), (422, "invalid_views")),
        (POST, &"/v1/views".to_owned(), view("r", 0, 1 << 40), (422, "invalid_body")),
        (
            POST,
            &"/v1/views".to_owned(),
            json!({ "views": [{ "content": "post_x", "request": "r", "dwell_ms": 1 }] }),
            (422, "invalid_body"),
        ),
    ] {
        let answer = world.send(method, path, Some(ada), Some(body.clone())).await;
        assert_eq!(answer.failure(), failure, "{path} {body}");
    }
    for path in ["/v1/content/post_x/reaction", "/v1/content/usr_01k9v3q2c0e9tsx6wz4m8bfr7a/save"] {
        assert_eq!(world.send(DELETE, path, Some(ada), None).await.failure(), (404, "not_found"), "{path}");
    }
    let reactions = format!("/v1/content/{content}/reactions");
    let shares = format!("/v1/content/{content}/shares");
    for path in [&reactions, &shares, &"/v1/me/saved".to_owned()] {
        assert_eq!(world.send(GET, &format!("{path}?limit=100"), Some(ada), None).await.status, StatusCode::OK);
        for query in ["limit=0", "limit=101", "limit=x", "page=2"] {
            let answer = world.send(GET, &format!("{path}?{query}"), Some(ada), None).await;
            assert_eq!(answer.failure(), (422, "invalid_query"), "{path}?{query}");
        }
        for query in ["cursor=nonsense", "cursor="] {
            let answer = world.send(GET, &format!("{path}?{query}"), Some(ada), None).await;
            assert_eq!(answer.failure(), (422, "invalid_cursor"), "{path}?{query}");
        }
    }
    let odd = world.send(GET, &format!("{reactions}?reaction=boredom"), Some(ada), None).await;
    assert_eq!(odd.failure(), (422, "invalid_query"));
}
