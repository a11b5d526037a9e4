//! Every route: what it answers, and what it answers to nonsense. Each answer is checked against openapi.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use web::testing::Answer;

use crate::stage::{PASSWORD, Stage};

const POST: Method = Method::POST;
const GET: Method = Method::GET;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

async fn register(stage: &Stage, handle: &str) -> Answer {
    let body = json!({
        "handle": handle, "name": "Ada", "password": PASSWORD,
        "device": { "name": "Ada's phone", "platform": "ios" },
    });
    let answer = stage.send(POST, "/v1/accounts", None, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer
}

#[tokio::test]
async fn a_life_over_rest() {
    let stage = Stage::new().await;
    let ada = register(&stage, "Ada").await;
    assert_eq!(ada.at("/account/handle"), "ada");
    let token = ada.at("/tokens/access_token");
    let token = Some(token.as_str());

    let me = stage.send(GET, "/v1/me", token, None).await;
    assert_eq!(me.body, ada.body["account"]);
    let patched = stage.send(PATCH, "/v1/me", token, Some(json!({ "bio": "Notes.", "private": true }))).await;
    assert_eq!(patched.body["private"], true);
    let seen = stage.send(GET, "/v1/people/ada", token, None).await;
    assert_eq!((seen.status, &seen.body["bio"]), (StatusCode::OK, &json!("Notes.")));

    let log_in = json!({ "handle": "ada", "password": PASSWORD });
    let second = stage.send(POST, "/v1/sessions", None, Some(log_in)).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let sessions = stage.send(GET, "/v1/sessions", token, None).await;
    assert_eq!(sessions.body["items"].as_array().unwrap().len(), 2);
    let path = format!("/v1/sessions/{}", second.at("/tokens/session"));
    assert_eq!(stage.send(DELETE, &path, token, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.send(DELETE, &path, token, None).await.failure(), (404, "session_not_found"));

    let refresh = json!({ "refresh_token": ada.at("/tokens/refresh_token") });
    let next = stage.send(POST, "/v1/sessions/refresh", None, Some(refresh)).await;
    assert_eq!(next.status, StatusCode::OK);
    let change = json!({ "current_password": PASSWORD, "password": "algebraic patterns instead" });
    let changed = stage.send(POST, "/v1/me/password", token, Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK);
    let stale = stage.send(GET, "/v1/me", token, None).await;
    assert_eq!(stale.failure(), (401, "token_expired"));

    let token = changed.at("/access_token");
    let token = Some(token.as_str());
    assert_eq!(stage.send(DELETE, "/v1/sessions?keep_current=true", token, None).await.status, StatusCode::NO_CONTENT);
    let deletion = json!({ "password": "algebraic patterns instead" });
    assert_eq!(stage.send(POST, "/v1/me/deletion", token, Some(deletion)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.send(GET, "/v1/me", token, None).await.failure(), (401, "session_revoked"));
}

#[tokio::test]
async fn logging_out_everywhere_over_rest() {
    let stage = Stage::new().await;
    let token = register(&stage, "ada").await.at("/tokens/access_token");
    assert_eq!(stage.send(DELETE, "/v1/sessions", Some(&token), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.send(GET, "/v1/sessions", Some(&token), None).await.failure(), (401, "session_revoked"));
}

#[tokio::test]
async fn nonsense_is_refused_with_the_place_where_it_is() {
    let stage = Stage::new().await;
    let token = register(&stage, "ada").await.at("/tokens/access_token");
    let register_with = |member: &str, value: Value| {
        let mut body = json!({ "handle": "ben", "name": "Ben", "password": PASSWORD });
        body[member] = value;
        body
    };
    let device = |name: &str, platform: &str| json!({ "name": name, "platform": platform });
    let cases = [
        ("/v1/accounts", register_with("handle", json!("b")), "invalid_handle", "/handle"),
        ("/v1/accounts", register_with("handle", json!("admin")), "invalid_handle", "/handle"),
        ("/v1/accounts", register_with("handle", json!(7)), "invalid_body", "/handle"),
        ("/v1/accounts", register_with("name", json!("")), "invalid_name", "/name"),
        ("/v1/accounts", register_with("password", json!("short")), "weak_password", "/password"),
        ("/v1/accounts", register_with("device", device("", "web")), "invalid_device", "/device/name"),
        ("/v1/accounts", register_with("device", device("x", "fridge")), "invalid_body", "/device/platform"),
        ("/v1/accounts", register_with("admin", json!(true)), "invalid_body", "/admin"),
        ("/v1/sessions", json!({ "handle": "ada" }), "invalid_body", ""),
        ("/v1/sessions", json!({ "handle": "ada", "password": 1 }), "invalid_body", "/password"),
        ("/v1/sessions/refresh", json!({ "refresh_token": null }), "invalid_body", "/refresh_token"),
        ("/v1/me/password", json!({ "current_password": PASSWORD, "password": "short" }), "weak_password", "/password"),
        ("/v1/me/password", json!({ "password": PASSWORD }), "invalid_body", ""),
        ("/v1/me/deletion", json!([]), "invalid_body", ""),
    ];
    for (path, body, code, pointer) in cases {
        let shown = body.to_string();
        let answer = stage.send(POST, path, Some(&token), Some(body)).await;
        assert_eq!(answer.failure(), (422, code), "{path} {shown}: {answer:?}");
        assert_eq!(answer.body["pointer"], pointer, "{path} {shown}: {answer:?}");
    }
    for (body, code) in
        [(json!({ "name": "two\nlines" }), "invalid_name"), (json!({ "bio": "é".repeat(301) }), "invalid_bio")]
    {
        assert_eq!(stage.send(PATCH, "/v1/me", Some(&token), Some(body)).await.failure(), (422, code));
    }
    for (method, path, failure) in [
        (GET, "/v1/people/nobody_here", (404, "person_not_found")),
        (GET, "/v1/people/%20", (404, "person_not_found")),
        (DELETE, "/v1/sessions/rubbish", (404, "not_found")),
        (DELETE, "/v1/sessions?keep_current=perhaps", (422, "invalid_query")),
        (DELETE, "/v1/sessions?keep=true", (422, "invalid_query")),
    ] {
        assert_eq!(stage.send(method, path, Some(&token), None).await.failure(), failure, "{path}");
    }
    let wrong = json!({ "refresh_token": "plr_nonsense" });
    let answer = stage.send(POST, "/v1/sessions/refresh", None, Some(wrong)).await;
    assert_eq!(answer.failure(), (401, "invalid_refresh_token"));
    let taken = json!({ "handle": "ADA", "name": "Another", "password": PASSWORD });
    let answer = stage.send(POST, "/v1/accounts", None, Some(taken)).await;
    assert_eq!(answer.failure(), (409, "handle_taken"));
}

#[tokio::test]
async fn what_is_mine_needs_a_token() {
    let stage = Stage::new().await;
    let body = || Some(json!({}));
    for (method, path, body) in [
        (GET, "/v1/me", None),
        (PATCH, "/v1/me", body()),
        (POST, "/v1/me/password", body()),
        (POST, "/v1/me/deletion", body()),
        (GET, "/v1/sessions", None),
        (DELETE, "/v1/sessions", None),
        (DELETE, "/v1/sessions/ses_01kdvdnxh0e1a89m4n1xx0qvmd", None),
        (GET, "/v1/people/ada", None),
    ] {
        for token in [None, Some("nonsense"), Some("a.b.c")] {
            let answer = stage.send(method.clone(), path, token, body.clone()).await;
            assert_eq!(answer.failure(), (401, "unauthenticated"), "{method} {path} {token:?}");
        }
    }
}
