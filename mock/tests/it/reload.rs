//! Files that change while they are served.

use std::fs;
use std::time::Duration;

use mock::Settings;
use tokio::time::{Instant, interval};

use crate::world::{DEADLINE, World};

fn spec(word: &str) -> String {
    format!(
        "openapi: 3.1.0\npaths:\n  /word:\n    get:\n      responses:\n        '200':\n          content:\n            \
         application/json: {{ example: {word} }}\n"
    )
}

async fn serves(world: &World, word: &str) {
    let deadline = Instant::now() + DEADLINE;
    let mut tries = interval(Duration::from_millis(20));
    while world.get("/word").await.json() != word {
        assert!(Instant::now() < deadline, "{word} is not served in time");
        tries.tick().await;
    }
}

#[tokio::test]
async fn a_changed_file_is_served_as_it_is_now_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.yaml");
    fs::write(&path, spec("first")).unwrap();
    let world = World::start(Settings { openapi: Some(path.clone()), ..Settings::default() }).await;
    serves(&world, "first").await;
    fs::write(&path, spec("second")).unwrap();
    serves(&world, "second").await;
    fs::write(&path, "paths: {").unwrap();
    serves(&world, "second").await;
    fs::write(&path, spec("third")).unwrap();
    serves(&world, "third").await;
}
