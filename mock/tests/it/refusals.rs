//! Requests that are not what the spec takes.

use http::{Method, StatusCode};
use mock::{BODY_BYTES_MAX, Settings};
use serde_json::json;

use crate::world::{Answer, World};

const ROOM: &str = "/v1/rooms/room_01kdvdq3v2f1gtr8m4n6p0s5wz";

async fn world() -> World {
    World::start(Settings::default()).await
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.problem(), (status, code.to_owned()), "{}", answer.text());
}

#[tokio::test]
async fn only_known_tokens_let_in() {
    let world = world().await;
    for (token, code) in [
        ("", "unauthenticated"),
        ("Bearer nobody", "unauthenticated"),
        ("Basic mock-ada", "unauthenticated"),
        ("Bearer mock-expired", "token_expired"),
        ("Bearer mock-revoked", "session_revoked"),
    ] {
        let answer = world.ask(Method::GET, "/v1/me", &[("authorization", token)], None).await;
        assert_problem(&answer, 401, code);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_cannot_be_done_there_405() {
    let world = world().await;
    assert_problem(&world.get("/v1/nothing").await, 404, "not_found");
    assert_problem(&world.get("/v1/rooms/kitchen").await, 404, "not_found");
    let answer = world.ask(Method::PUT, "/v1/rooms", &[], None).await;
    assert_problem(&answer, 405, "method_not_allowed");
    let mut allowed: Vec<&str> = answer.headers["allow"].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn each_kind_of_parameter_is_checked() {
    let world = world().await;
    for (query, fine) in
        [("limit=1", true), ("limit=100", true), ("limit=0", false), ("limit=101", false), ("limit=ten", false)]
    {
        let answer = world.get(&format!("{ROOM}/members?{query}")).await;
        if fine {
            assert_eq!(answer.status, StatusCode::OK, "{query}")
        } else {
            assert_problem(&answer, 422, "invalid_query")
        }
    }
    // A parameter that has a problem of its own gets it.
    let long = format!("{ROOM}/members?cursor={}", "x".repeat(513));
    assert_problem(&world.get(&long).await, 422, "invalid_cursor");
    let group = json!({ "kind": "group", "name": "Tea", "members": [] });
    let long = "k".repeat(256);
    let answer = world.ask(Method::POST, "/v1/rooms", &[("idempotency-key", &long)], Some(&group)).await;
    assert_problem(&answer, 422, "invalid_idempotency_key");
    let answer = world.ask(Method::POST, "/v1/rooms", &[("idempotency-key", &long[1..])], Some(&group)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bodies_are_refused_with_a_pointer_to_the_member() {
    let world = world().await;
    for (body, pointer, code) in [
        (json!({ "name": 7 }), "/name", "invalid_body"),
        (json!({ "name": null }), "/name", "invalid_body"),
        (json!({ "nome": "Ada" }), "/nome", "invalid_body"),
        (json!(["Ada"]), "", "invalid_body"),
        // The right kind of thing with the wrong content: the problem that the operation declares for the member.
        (json!({ "name": "" }), "/name", "invalid_name"),
        (json!({ "bio": "x".repeat(301) }), "/bio", "invalid_bio"),
    ] {
        let answer = world.ask(Method::PATCH, "/v1/me", &[], Some(&body)).await;
        assert_problem(&answer, 422, code);
        assert_eq!(answer.json()["pointer"].as_str().unwrap_or_default(), pointer, "{body}");
    }
}

#[tokio::test]
async fn bodies_of_another_kind_or_size_are_refused() {
    let world = world().await;
    let body = json!({ "name": "Ada" });
    for kind in ["text/plain", "application/xml", ""] {
        let answer = world.ask(Method::PATCH, "/v1/me", &[("content-type", kind)], Some(&body)).await;
        assert_problem(&answer, 415, "unsupported_media_type");
    }
    let kind = ("content-type", "application/json; charset=utf-8");
    assert_eq!(world.ask(Method::PATCH, "/v1/me", &[kind], Some(&body)).await.status, StatusCode::OK);
    // A body that is no JSON.
    let client = crate::world::client();
    let url = format!("http://{}/v1/me", world.address);
    let broken = client.patch(url).bearer_auth("mock-ada").header("content-type", "application/json").body("{");
    assert_eq!(broken.send().await.unwrap().status(), 400);

    // At the limit, and one past it.
    let of_size = |size: usize| json!({ "name": "n".repeat(size - json!({ "name": "" }).to_string().len()) });
    let at = world.ask(Method::PATCH, "/v1/me", &[], Some(&of_size(BODY_BYTES_MAX))).await;
    assert_problem(&at, 422, "invalid_name");
    let past = world.ask(Method::PATCH, "/v1/me", &[], Some(&of_size(BODY_BYTES_MAX + 1))).await;
    assert_problem(&past, 413, "body_too_large");
    // Who has not sent all of it yet is told all the same.
    let far = world.ask(Method::PATCH, "/v1/me", &[], Some(&of_size(32 * BODY_BYTES_MAX))).await;
    assert_problem(&far, 413, "body_too_large");
}

#[tokio::test]
async fn what_the_client_does_not_take_is_406() {
    let world = world().await;
    assert_problem(
        &world.ask(Method::GET, "/v1/me", &[("accept", "text/html, image/*")], None).await,
        406,
        "not_acceptable",
    );
    for fine in ["*/*", "application/*", "text/html, application/json;q=0.1"] {
        assert_eq!(world.ask(Method::GET, "/v1/me", &[("accept", fine)], None).await.status, StatusCode::OK, "{fine}");
    }
    let none = [("accept", "text/html"), ("prefer", "code=401")];
    assert_eq!(world.ask(Method::GET, "/v1/me", &none, None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wishes_for_what_is_not_declared_are_told() {
    let world = world().await;
    for (prefer, status, code) in [
        ("code=many", 400, "invalid_prefer"),
        ("code=201", 422, "prefer_not_declared"),
        ("example=nobody", 422, "prefer_not_declared"),
        ("code=200, example=unauthenticated", 422, "prefer_not_declared"),
    ] {
        let answer = world.ask(Method::GET, "/v1/me", &[("prefer", prefer)], None).await;
        assert_problem(&answer, status, code);
    }
    let limited = world.ask(Method::GET, "/v1/me", &[("prefer", "example=rate_limited")], None).await;
    assert_problem(&limited, 429, "rate_limited");
    assert!(limited.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn answers_are_slow_and_fail_when_told_to() {
    let world = World::start(Settings { fail_rate: 1.0, ..Settings::default() }).await;
    assert_problem(&world.get("/v1/me").await, 503, "store_unavailable");
    assert_eq!(world.ask(Method::GET, "/v1/me", &[("x-mock-fail-rate", "0")], None).await.status, StatusCode::OK);
    let slow = [("x-mock-fail-rate", "0"), ("x-mock-latency-ms", "120")];
    let started = tokio::time::Instant::now();
    assert_eq!(world.ask(Method::GET, "/v1/me", &slow, None).await.status, StatusCode::OK);
    assert!(started.elapsed().as_millis() >= 120);
}
