//! What every request gets: an id, a limit on its body, a problem when it fails.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use http::Method;
use web::JSON_BODY_BYTES_MAX;
use web::testing::Ask;

use crate::world::{World, note};

#[tokio::test]
async fn a_sane_request_id_comes_back_and_another_is_made() {
    let world = World::new().await;
    let answer = world.send(Ask::get("/healthz").header("x-request-id", "mine-1")).await;
    assert_eq!((answer.header("x-request-id"), answer.text()), (Some("mine-1"), "fine"));
    let answer = world.send(Ask::get("/healthz").header("x-request-id", &"x".repeat(65))).await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(16));
    let answer = world.send(Ask::get("/nowhere").header("x-request-id", "mine-2")).await;
    assert_eq!(answer.document().request_id, "mine-2");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::new().await;
    assert_eq!(world.send(Ask::get("/v2")).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(world.send(Ask::get("/v1/notes/7")).await.problem(), (404, "not_found".to_owned()));
    let answer = world.send(Ask::new(Method::PUT, "/v1/notes/post_00000000000000000000000001")).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    let mut allowed: Vec<_> = answer.header("allow").expect("Allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD"]);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let world = World::new().await;
    let padded = |length: usize| {
        let note = r#"{"text":"x"}"#;
        format!("{note}{}", " ".repeat(length - note.len()))
    };
    let answer = world.send(note(padded(JSON_BODY_BYTES_MAX))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    for key in [None, Some("long")] {
        let ask = note(padded(JSON_BODY_BYTES_MAX + 1));
        let ask = key.map_or_else(|| note(padded(JSON_BODY_BYTES_MAX + 1)), |key| ask.key(key));
        assert_eq!(world.send(ask).await.problem(), (413, "body_too_large".to_owned()));
    }
    // Announced or not: a client that lies about the length is cut off all the same.
    let ask = note(padded(JSON_BODY_BYTES_MAX + 1)).header("content-length", "12");
    assert_eq!(world.send(ask).await.problem(), (413, "body_too_large".to_owned()));
    assert_eq!(world.created(), 1);
}

#[tokio::test]
async fn a_body_is_json_of_the_right_shape() {
    let world = World::new().await;
    let typed = |kind: &str| note(r#"{"text":"x"}"#).header("content-type", kind);
    assert_eq!(world.send(typed("application/json; charset=utf-8")).await.status, 201);
    for kind in ["text/plain", "application/jsonish", "application/x-www-form-urlencoded"] {
        assert_eq!(world.send(typed(kind)).await.problem(), (415, "unsupported_media_type".to_owned()), "{kind}");
    }
    assert_eq!(world.send(note("{")).await.problem(), (400, "malformed_json".to_owned()));
    for (body, pointer) in [
        (r#"{"text":1}"#, "/text"),
        (r#"{"text":"x","tags":["a",{}]}"#, "/tags/1"),
        (r#"{"text":"x","tagz":[]}"#, "/tagz"),
        ("{}", ""),
    ] {
        let document = world.send(note(body)).await.document();
        assert_eq!((document.status, &*document.code), (422, "invalid_body"), "{body}");
        assert_eq!(document.pointer.as_deref(), Some(pointer), "{body}");
    }
}

#[tokio::test]
async fn queries_are_checked_as_bodies_are() {
    let world = World::new().await;
    let path = "/v1/notes/post_00000000000000000000000001";
    let answer = world.send(Ask::get(&format!("{path}?limit=100"))).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, &*format!("\"{} for a guest, 100\"", &path[10..])));
    for query in ["limit=101", "limit=0", "limit=x", "size=5"] {
        let answer = world.send(Ask::get(&format!("{path}?{query}"))).await;
        assert_eq!(answer.problem(), (422, "invalid_query".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn failures_of_ours_say_nothing_of_the_inside() {
    let world = World::new().await;
    for text in ["broken", "panic"] {
        for key in [None, Some(text)] {
            let mut ask = note(format!(r#"{{"text":"{text}"}}"#));
            if let Some(key) = key {
                ask = ask.key(key);
            }
            let answer = world.send(ask).await;
            assert_eq!(answer.problem(), (500, "internal".to_owned()));
            assert!(!answer.text().contains("bits") && !answer.text().contains("note"), "{}", answer.text());
        }
    }
    let document = world.send(note(r#"{"text":"taken"}"#)).await.document();
    assert_eq!((document.status, document.pointer.as_deref()), (409, Some("/text")));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let world = World::new().await;
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let answer = world.send(Ask::get("/v1/hang")).await;
    assert_eq!(answer.problem(), (504, "timeout".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(started.elapsed().as_secs(), 30);

    // So is one whose body never ends.
    for key in [None, Some("k")] {
        let never_ends = Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
        let mut ask = note("").body(never_ends);
        if let Some(key) = key {
            ask = ask.key(key);
        }
        assert_eq!(world.send(ask).await.problem(), (504, "timeout".to_owned()));
    }
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_class_of_status() {
    let world = World::new().await;
    assert_eq!(world.send(Ask::new(Method::DELETE, "/v1/notes/post_00000000000000000000000001")).await.status, 401);
    let text = telemetry::render();
    let counted = "plaza_http_requests_total{operation=\"deleteNote\",status=\"4xx\"} 1";
    assert!(text.lines().any(|line| line == counted), "no line {counted} in\n{text}");
    assert!(text.contains("plaza_http_request_seconds_count{operation=\"deleteNote\"}"));
}

#[tokio::test]
async fn answers_are_neither_cached_nor_guessed_at() {
    let world = World::new().await;
    let answer = world.send(note(r#"{"text":"x"}"#)).await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn routes_list_their_operations() {
    let world = World::new().await;
    let listed: Vec<_> = world.routes.iter().map(|it| (it.id, it.method.as_str(), it.path, it.creates)).collect();
    assert_eq!(listed[0], ("createNote", "POST", "/v1/notes", true));
    assert_eq!(listed[3], ("deleteNote", "DELETE", "/v1/notes/{note}", false));
    assert_eq!(listed.len(), 5);
}
