//! `--remember`

use http::{Method, StatusCode};
use mock::Settings;
use schemas::contract::Validator;
use serde_json::{Value, json};

use crate::world::World;

const EXAMPLE: &str = "/v1/rooms/room_01kdvdq3v2f1gtr8m4n6p0s5wz";

async fn world() -> World {
    World::start(Settings { remember: true, ..Settings::default() }).await
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|room| room["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_created_is_seen_changed_and_deleted() {
    let world = world().await;
    let group = json!({ "kind": "group", "name": "Tea at four", "members": [] });
    let created = world.post("/v1/rooms", &group).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let room = created.json();
    assert_eq!(room["name"], "Tea at four");
    let other = world.post("/v1/rooms", &group).await.json();
    assert_ne!(room["id"], other["id"]);

    let path = format!("/v1/rooms/{}", room["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.json(), room);
    let list = world.get("/v1/rooms").await.json();
    let listed = ids(&list["rooms"]);
    assert!(listed.contains(&room["id"].as_str().unwrap()) && listed.contains(&other["id"].as_str().unwrap()));

    let renamed = world.ask(Method::PATCH, &path, &[], Some(&json!({ "name": "Tea at five" }))).await;
    assert_eq!(renamed.json()["name"], "Tea at five");
    assert_eq!(world.get(&path).await.json()["name"], "Tea at five");
    let listed = world.get("/v1/rooms").await.json();
    let names: Vec<&Value> = listed["rooms"].as_array().unwrap().iter().map(|room| &room["name"]).collect();
    assert!(names.contains(&&json!("Tea at five")), "{names:?}");

    // Messages: the item is a member of what creating answers, and its key a number.
    let said = world
        .post(
            &format!("{path}/messages"),
            &json!({ "client_id": "0193478a-1c55-7d2e-9f1a-2b3c4d5e6f70", "text": "Hello" }),
        )
        .await;
    assert_eq!(said.json()["message"]["text"], "Hello", "{}", said.text());
    let message = format!("{path}/messages/{}", said.json()["message"]["seq"]);
    assert_eq!(world.ask(Method::DELETE, &message, &[], None).await.status.as_u16() / 100, 2);

    assert_eq!(world.ask(Method::DELETE, "/__mock/memory", &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&path).await.problem(), (404, "room_not_found".to_owned()));
}

#[tokio::test]
async fn posts_come_and_go() {
    let world = world().await;
    let validator = Validator::shared();
    // Whatever the collection is called: the one whose operation takes a text and an audience.
    let creates =
        validator.operations().iter().find(|it| ["createPost", "createContent"].contains(&it.id.as_str())).unwrap();
    let (_, body) = creates.request.as_ref().unwrap().examples.iter().next().unwrap();
    let created = world.post(&creates.path, body).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{}/{id}", creates.path);
    assert_eq!(world.get(&path).await.json()["id"], *id);
    assert!(world.ask(Method::DELETE, &path, &[], None).await.status.is_success());
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.ask(Method::DELETE, &path, &[], None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_examples_show_was_there_before() {
    let world = world().await;
    let old = world.get(EXAMPLE).await;
    assert_eq!(old.status, StatusCode::OK, "{}", old.text());
    let renamed = world.ask(Method::PATCH, EXAMPLE, &[], Some(&json!({ "name": "Breakfast" }))).await;
    assert_eq!(renamed.json()["name"], "Breakfast");
    assert_eq!(world.get(EXAMPLE).await.json()["name"], "Breakfast");
    let nobody = "/v1/rooms/room_01kdvdq3v2f1gtr8m4n6p0s5zz";
    assert_eq!(world.get(nobody).await.problem(), (404, "room_not_found".to_owned()));
}

#[tokio::test]
async fn each_caller_has_settings_of_their_own() {
    let world = world().await;
    let hide = json!({ "last_seen": "nobody" });
    let changed = world.ask(Method::PATCH, "/v1/me/presence", &[], Some(&hide)).await;
    assert_eq!(changed.json()["last_seen"], "nobody");
    assert_eq!(world.get("/v1/me/presence").await.json()["last_seen"], "nobody");
    let ben = world.ask(Method::GET, "/v1/me/presence", &[("authorization", "Bearer mock-ben")], None).await;
    assert_ne!(ben.json()["last_seen"], "nobody");
}

#[tokio::test]
async fn without_it_nothing_is_remembered() {
    let world = World::start(Settings::default()).await;
    let before = world.get("/v1/rooms").await.json();
    world.post("/v1/rooms", &json!({ "kind": "group", "name": "Tea", "members": [] })).await;
    assert_eq!(world.get("/v1/rooms").await.json(), before);
}
