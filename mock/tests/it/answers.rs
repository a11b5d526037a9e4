//! Plaza's own specs: every operation, every declared example.

use http::{Method, StatusCode};
use mock::Settings;
use schemas::contract::{Operation, Validator};
use serde_json::Value;

use crate::world::World;

/// An address of the operation: what a variable stands for is taken from an example of its kind.
fn address(operation: &Operation) -> String {
    let mut path = operation.path.clone();
    for variable in &operation.variables {
        let value = match variable.as_str() {
            "person" => "ben",
            "user" => "usr_01kdvdnjs8f0na4t2agyygc3v3",
            "room" => "room_01kdvdq3v2f1gtr8m4n6p0s5wz",
            "session" => "ses_01kdvdnxh0e1a89m4n1xx0qvmd",
            "post" | "content" => "post_01kdvdr0c7ejx9b2f4g6h8k1mn",
            "media" => "med_01kdvdr0c7ejx9b2f4g6h8k1mn",
            "notification" => "ntf_01kdvdr0c7ejx9b2f4g6h8k1mn",
            "seq" | "version" => "42",
            "emoji" => "%F0%9F%91%8D",
            "rendition" => "medium",
            "tag" => "plaza",
            _ => "1",
        };
        path = path.replace(&format!("{{{variable}}}"), value);
    }
    match operation.id.as_str() {
        "search" | "completeSearch" => path + "?q=tea",
        "getListingsNear" => path + "?near=52.52,13.405",
        "getRendition" => path + "?k=aaS2gAAm3rXnU0mCqfJxY0w5hWqk",
        _ => path,
    }
}

/// Headers that the operation is not asked without.
fn headers(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    match operation.id.as_str() {
        "appendToUpload" => vec![("upload-offset", "0"), ("content-type", "application/offset+octet-stream")],
        _ => Vec::new(),
    }
}

/// What the operation takes, if it takes something, by the name of its example. Bytes have none.
fn bodies(operation: &Operation) -> Vec<(String, Option<Value>)> {
    match &operation.request {
        Some(body) if body.examples.is_empty() => vec![("bytes".to_owned(), Some(Value::from("a part")))],
        Some(body) => body.examples.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect(),
        None => vec![(String::new(), None)],
    }
}

#[tokio::test]
async fn every_operation_takes_its_examples_and_answers_as_declared() {
    let world = World::start(Settings::default()).await;
    let validator = Validator::shared();
    for operation in validator.operations() {
        for (name, body) in bodies(operation) {
            let path = address(operation);
            let answer = world.ask(operation.method.clone(), &path, &headers(operation), body.as_ref()).await;
            let place = format!("{} with {name}: {}", operation.id, answer.text());
            assert!(answer.status.is_success(), "{} {place}", answer.status);
            validator.answer(&operation.method, &path, answer.status, &answer.body).unwrap();
        }
    }
}

#[tokio::test]
async fn every_declared_example_can_be_asked_for() {
    let world = World::start(Settings::default()).await;
    let validator = Validator::shared();
    let mut asked = 0;
    for operation in validator.operations() {
        let (_, body) = bodies(operation).remove(0);
        for (status, response) in &operation.responses {
            for (name, example) in response.iter().flat_map(|it| &it.examples) {
                let code = status.parse().unwrap_or_else(|_| example["status"].as_u64().unwrap());
                let prefer = format!("code={code}, example={name}");
                let path = address(operation);
                let mut headers = headers(operation);
                headers.push(("prefer", &prefer));
                let answer = world.ask(operation.method.clone(), &path, &headers, body.as_ref()).await;
                assert_eq!(u64::from(answer.status.as_u16()), code, "{} {name}: {}", operation.id, answer.text());
                assert_eq!(answer.headers["preference-applied"], prefer.as_str());
                validator.answer(&operation.method, &path, answer.status, &answer.body).unwrap();
                if !answer.status.is_success() {
                    assert_eq!(answer.json()["code"], example["code"]);
                } else if !example.to_string().contains("access_token") {
                    assert_eq!(answer.json(), *example, "{} {name}", operation.id);
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked}");
}

#[tokio::test]
async fn generated_answers_fit_their_schemas_and_are_the_same_for_the_same_seed() {
    let validator = Validator::shared();
    let mut first = Vec::new();
    for seed in [1, 1, 2, 3] {
        let world = World::start(Settings { seed, ..Settings::default() }).await;
        let mut answers = Vec::new();
        for operation in validator.operations() {
            let (_, body) = bodies(operation).remove(0);
            let path = address(operation);
            let mut wish = headers(operation);
            wish.push(("prefer", "dynamic=true"));
            let answer = world.ask(operation.method.clone(), &path, &wish, body.as_ref()).await;
            assert!(answer.status.is_success(), "{}: {}", operation.id, answer.text());
            validator.answer(&operation.method, &path, answer.status, &answer.body).unwrap();
            answers.push(answer.text());
        }
        if first.is_empty() {
            first = answers;
        } else {
            assert_eq!(seed == 1, first == answers, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn without_a_wish_the_example_that_resembles_the_request_is_answered() {
    let world = World::start(Settings::default()).await;
    let direct = serde_json::json!({ "kind": "direct", "user": "usr_01kdvdnjs8f0na4t2agyygc3v3" });
    assert_eq!(world.post("/v1/rooms", &direct).await.json()["kind"], "direct");
    let group = serde_json::json!({ "kind": "group", "name": "Tea", "members": [] });
    assert_eq!(world.post("/v1/rooms", &group).await.json()["kind"], "group");
}

#[tokio::test]
async fn tokens_that_are_handed_out_let_their_owner_in() {
    let world = World::start(Settings::default()).await;
    let log_in = serde_json::json!({ "handle": "ben", "password": "a long enough passphrase" });
    let answer = world.ask(Method::POST, "/v1/sessions", &[("authorization", "")], Some(&log_in)).await;
    let text = answer.text();
    assert!(text.contains("\"access_token\":\"mock-ben\""), "{text}");
    let me = world.ask(Method::GET, "/v1/me", &[("authorization", "Bearer mock-ben")], None).await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let world = World::start(Settings::default()).await;
    let (get, head) = (world.get("/v1/me").await, world.ask(Method::HEAD, "/v1/me", &[], None).await);
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers["content-type"], get.headers["content-type"]);
    assert_eq!(head.headers["content-length"], get.body.len().to_string().as_str());
}

#[tokio::test]
async fn pages_of_any_origin_may_call() {
    let world = World::start(Settings::default()).await;
    let origin = ("origin", "http://127.0.0.1:5173");
    let asks = [origin, ("access-control-request-method", "PATCH"), ("access-control-request-headers", "prefer")];
    let preflight = world.ask(Method::OPTIONS, "/v1/me", &asks, None).await;
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers["access-control-allow-methods"], "PATCH");
    assert_eq!(preflight.headers["access-control-allow-headers"], "prefer");
    assert_eq!(world.ask(Method::GET, "/v1/me", &[origin], None).await.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn the_page_lists_routes_examples_and_tokens_and_loads_nothing_from_elsewhere() {
    let world = World::start(Settings::default()).await;
    let page = world.get("/__mock").await;
    let text = page.text();
    for part in ["/v1/rooms/{room}", "getRoom", "room_not_found", "mock-ada", "message.send", "By the clock"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(world.get("/__mock/style.css").await.text().contains("body"));
}
