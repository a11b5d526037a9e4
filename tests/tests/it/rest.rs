//! What holds for every REST request: failures in one form, limits, ids, idempotency.

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use system_tests::{Deployment, Person};

crate::on_both_stores![
    failures_are_problem_details_with_a_code,
    a_body_is_taken_at_the_limit_and_not_past_it,
    a_repeat_under_one_key_creates_one_post,
    a_request_id_comes_back,
];

pub async fn send(person: &Person, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let token = person.session.access_token().await.unwrap();
    let mut request = Client::new().request(method, format!("{}{path}", person.session.api().base()));
    request = request.bearer_auth(token.expose()).header("content-type", "application/json").body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// Status and code of a failure, which must be problem details.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["status"], json!(status));
    (status, problem["code"].as_str().unwrap().to_owned())
}

async fn failures_are_problem_details_with_a_code(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let nothing = "post_00000000000000000000000001";
    let comments = format!("/v1/content/{nothing}/comments");
    let comment = format!(r#"{{"kind":"comment","parent":"{nothing}","text":"to what?"}}"#);
    let cases = [
        (Method::GET, "/v1/nowhere", "", (404, "not_found")),
        (Method::PUT, "/v1/content", "", (405, "method_not_allowed")),
        (Method::POST, "/v1/content", "{", (400, "malformed_json")),
        (Method::POST, "/v1/content", r#"{"kind":"post","text":"x","colour":"red"}"#, (422, "invalid_body")),
        (Method::POST, "/v1/content", r#"{"text":"of no kind"}"#, (422, "invalid_body")),
        (Method::POST, "/v1/content", r#"{"kind":"poem","text":"of none"}"#, (422, "invalid_body")),
        (Method::POST, "/v1/content", r#"{"kind":"reel","text":"no video"}"#, (422, "invalid_body")),
        (Method::POST, "/v1/content", r#"{"kind":"livestream","title":" "}"#, (422, "invalid_title")),
        (Method::POST, "/v1/content", &comment, (404, "content_not_found")),
        (Method::GET, &comments, "", (404, "content_not_found")),
        (Method::GET, &format!("{comments}?thread=perhaps"), "", (422, "invalid_query")),
        (Method::GET, &format!("/v1/people/{}/content?kind=poem", ada.id()), "", (422, "invalid_query")),
        (Method::GET, "/v1/feed/following?limit=101", "", (422, "invalid_query")),
        (Method::GET, "/v1/feed?limit=0", "", (422, "invalid_query")),
        (Method::GET, "/v1/feed?language=english", "", (422, "invalid_feed_language")),
        (Method::GET, "/v1/feed?near=91,0", "", (422, "invalid_area")),
        (Method::GET, "/v1/feed?cursor=x", "", (422, "invalid_cursor")),
        (Method::PUT, "/v1/feed/preferences", "{}", (422, "invalid_body")),
        (Method::PUT, "/v1/feed/preferences", r#"{"feed":"best"}"#, (422, "invalid_body")),
        (Method::PUT, "/v1/feed/preferences", r#"{"feed":"ranked","colour":"red"}"#, (422, "invalid_body")),
        (Method::PUT, "/v1/feed/preferences", r#"{"feed":"ranked","language":"EN"}"#, (422, "invalid_feed_language")),
        (Method::PUT, "/v1/feed/preferences", r#"{"feed":"ranked","near":"52.5,181"}"#, (422, "invalid_area")),
        (Method::POST, "/v1/feed/preferences", r#"{"feed":"ranked"}"#, (405, "method_not_allowed")),
        (Method::PUT, "/v1/feed/less/ada", "", (404, "not_found")),
        (Method::PUT, "/v1/feed/less/post_0000000000000000000000001z", "", (404, "content_not_found")),
        (Method::DELETE, "/v1/feed/less/ada", "", (404, "not_found")),
        (Method::GET, "/v1/feed/following?cursor=nonsense", "", (422, "invalid_cursor")),
        (Method::GET, "/v1/stories?limit=0", "", (422, "invalid_query")),
        (Method::GET, "/v1/stories?cursor=abc", "", (422, "invalid_query")),
        (Method::GET, "/v1/reels?limit=101", "", (422, "invalid_query")),
        (Method::GET, "/v1/reels?cursor=nonsense", "", (422, "invalid_cursor")),
        (Method::GET, "/v1/listings/near", "", (422, "invalid_query")),
        (Method::GET, "/v1/listings/near?near=here", "", (422, "invalid_area")),
        (Method::GET, "/v1/listings/near?near=91,0", "", (422, "invalid_area")),
        (Method::GET, "/v1/listings/near?near=52.5,13.4&radius_m=500001", "", (422, "invalid_area")),
        (Method::GET, "/v1/listings/near?near=52.5,13.4&radius_m=far", "", (422, "invalid_query")),
        (Method::GET, "/v1/listings/near?near=52.5,13.4&cursor=nonsense", "", (422, "invalid_cursor")),
        (Method::GET, "/v1/listings/followed?near=52.5,13.4", "", (422, "invalid_query")),
        (Method::GET, "/v1/listings/followed?cursor=nonsense", "", (422, "invalid_cursor")),
    ];
    for (method, path, body, (status, code)) in cases {
        let answer = send(&ada, method.clone(), path, &[], body).await;
        assert_eq!(problem(answer).await, (status, code.to_owned()), "{method} {path} {body}");
    }
    let answer = Client::new().get(format!("{}/v1/me", ada.session.api().base())).send().await.unwrap();
    assert_eq!(answer.headers().get("www-authenticate").map(|value| value.as_bytes()), Some(&b"Bearer"[..]));
    assert_eq!(problem(answer).await, (401, "unauthenticated".to_owned()));
}

async fn a_body_is_taken_at_the_limit_and_not_past_it(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    // Far past any limit; where exactly it lies is the business of the crate that has it.
    let huge = format!(r#"{{"text":"{}"}}"#, "x".repeat(4 * 1024 * 1024));
    assert_eq!(problem(send(&ada, Method::POST, "/v1/content", &[], &huge).await).await.0, 413);
}

async fn a_repeat_under_one_key_creates_one_post(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let key = [("idempotency-key", "the-same-key")];
    let body = r#"{"kind":"post","text":"once"}"#;
    let first = send(&ada, Method::POST, "/v1/content", &key, body).await;
    assert_eq!(first.status(), 201);
    let first = first.bytes().await.unwrap();
    let again = send(&ada, Method::POST, "/v1/content", &key, body).await;
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.bytes().await.unwrap(), first);
    assert_eq!(ada.session.content_of(ada.id(), None, 10).await.unwrap().items.len(), 1);

    let other = send(&ada, Method::POST, "/v1/content", &key, r#"{"kind":"post","text":"twice"}"#).await;
    assert_eq!(problem(other).await, (422, "idempotency_key_reused".to_owned()));
}

async fn a_request_id_comes_back(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let answer = send(&ada, Method::GET, "/v1/me", &[("x-request-id", "trace-me-7")], "").await;
    assert_eq!(answer.headers()["x-request-id"], "trace-me-7");
}
