//! Specs that are not Plaza's.

use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use mock::{Mock, Settings, SpecError};
use serde_json::json;

use crate::world::World;

const KEY: (&str, &str) = ("x-key", "mock-dana");
const TRACE: (&str, &str) = ("x-trace", "0193478a-1c55-7d2e-9f1a-2b3c4d5e6f70");

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name)
}

async fn pets(remember: bool) -> World {
    World::start(Settings { openapi: Some(file("petstore.yaml")), remember, ..Settings::default() }).await
}

#[tokio::test]
async fn data_is_made_from_schemas_where_there_are_no_examples() {
    let world = pets(false).await;
    let list = world.ask(Method::GET, "/pets", &[KEY, TRACE], None).await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text());
    assert!(list.json()[0]["id"].is_u64(), "{}", list.text());
    // With the path of the server, too; and without a key where none is needed.
    assert_eq!(world.get("/api/v2/pets/7").await.status, StatusCode::OK);
    let csv = world.ask(Method::GET, "/pets", &[KEY, TRACE, ("accept", "text/csv")], None).await;
    assert_eq!((csv.text().as_str(), &csv.headers["content-type"]), ("name\nRex\n", &"text/csv".parse().unwrap()));
    let gone = world.ask(Method::GET, "/pets/7", &[("prefer", "code=404")], None).await;
    assert_eq!((gone.status, gone.json()), (StatusCode::NOT_FOUND, json!({ "error": "There is no such pet." })));
}

#[tokio::test]
async fn every_style_of_parameter_is_read() {
    let world = pets(false).await;
    for (query, fine) in [
        ("tags=1,2", true),
        ("tags=1,2,3", false),
        ("tags=one", false),
        ("where[city]=Paris", true),
        ("where[city]=London", false),
        ("old=true", true),
        ("old=maybe", false),
    ] {
        let answer = world.ask(Method::GET, &format!("/pets?{query}"), &[KEY, TRACE], None).await;
        assert_eq!(answer.status.as_u16(), if fine { 200 } else { 422 }, "{query}: {}", answer.text());
    }
    let ask = async |headers: &[(&str, &str)]| world.ask(Method::GET, "/pets", headers, None).await;
    assert_eq!(ask(&[KEY]).await.problem(), (422, "invalid_header".to_owned()));
    assert_eq!(ask(&[KEY, ("x-trace", "here")]).await.problem(), (422, "invalid_header".to_owned()));
    assert_eq!(ask(&[KEY, TRACE, ("cookie", "a=b; lang=fr")]).await.problem(), (422, "invalid_cookie".to_owned()));
    assert_eq!(ask(&[KEY, TRACE, ("cookie", "a=b; lang=de")]).await.status, StatusCode::OK);
    assert_eq!(ask(&[TRACE]).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(world.get("/pets/0").await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn pets_are_remembered() {
    let world = pets(true).await;
    let rex = json!({ "name": "Rex", "kind": "dog" });
    let created = world.ask(Method::POST, "/pets", &[KEY], Some(&rex)).await;
    assert_eq!((created.status, &created.json()["name"]), (StatusCode::CREATED, &json!("Rex")));
    let path = format!("/pets/{}", created.json()["id"]);
    assert_eq!(world.get(&path).await.json(), created.json());
    let list = world.ask(Method::GET, "/pets?limit=1", &[KEY, TRACE], None).await;
    assert_eq!(list.json(), json!([created.json()]));
    assert_eq!(world.ask(Method::DELETE, &path, &[KEY], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
    let wrong = json!({ "name": "Rex", "kind": "fish" });
    let refused = world.ask(Method::POST, "/pets", &[KEY], Some(&wrong)).await;
    assert_eq!((refused.problem(), &refused.json()["pointer"]), ((422, "invalid_body".to_owned()), &json!("/kind")));
    let text = [KEY, ("content-type", "text/plain")];
    assert_eq!(world.ask(Method::POST, "/pets", &text, Some(&rex)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_socket_needs_no_more_than_its_messages() {
    let world = World::start(Settings { asyncapi: Some(file("chat.yaml")), ..Settings::default() }).await;
    let mut first = world.connect("/shouts", None).await;
    assert_eq!(first.next().await, json!({ "kind": "welcome" }));
    let mut second = world.connect("/shouts", None).await;
    assert_eq!(second.next().await, json!({ "kind": "welcome" }));
    first.say(&json!({ "kind": "shout", "ref": "a", "text": "Hello" }).to_string()).await;
    assert_eq!(first.find(|it| it["kind"] == "heard").await["ref"], "a");
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.find(|it| it["kind"] == "echo").await["text"], "Hello");
    }
    first.say(&json!({ "kind": "shout", "ref": "b", "text": "Hello there!" }).to_string()).await;
    let refused = first.find(|it| it["error"].is_object()).await;
    assert_eq!(
        (&refused["ref"], &refused["error"]["code"], &refused["error"]["pointer"]),
        (&json!("b"), &json!("invalid_body"), &json!("/text"))
    );
}

#[test]
fn what_cannot_be_served_is_said() {
    let load = |openapi: PathBuf| Mock::load(Settings { openapi: Some(openapi), ..Settings::default() }).err().unwrap();
    assert!(matches!(load(file("nothing.yaml")), SpecError::File { .. }));
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("api.yaml");
        std::fs::write(&path, text).unwrap();
        path
    };
    for (text, says) in [
        ("{", "api.yaml"),
        ("swagger: '2.0'", "no OpenAPI 3 document"),
        ("openapi: 3.1.0\npaths: { /a: { $ref: 'other.yaml#/a' } }", "other.yaml"),
        ("openapi: 3.1.0\npaths: { /a: { $ref: 'https://example.com/a.yaml' } }", "only files"),
        (
            "openapi: 3.1.0\npaths: { /a: { get: { responses: { '200': { content: { application/json: { schema: { type: 7 } } } } } } } }",
            "get /a",
        ),
    ] {
        let error = load(write(text)).to_string();
        assert!(error.contains(says), "{says} is missing in: {error}");
    }
}
