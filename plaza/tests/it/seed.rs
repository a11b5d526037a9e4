//! `plaza seed`, as whoever logs in then finds it.

use serde_json::{Value, json};

use crate::process::{Ended, Folder, Running, client, plaza, run};

async fn seed(folder: &Folder) -> Ended {
    run(plaza(&["seed", "--people", "4", "--data-dir", folder.data().to_str().unwrap()])).await
}

/// What a count of the summary says.
fn count(said: &str, what: &str) -> u64 {
    let before = &said[..said.find(&format!(" {what}")).unwrap_or_else(|| panic!("{what} in {said}"))];
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap()
}

struct Visitor<'a> {
    plaza: &'a Running,
    token: String,
}

impl Visitor<'_> {
    async fn get(&self, path: &str) -> Value {
        let answer = client().get(format!("{}{path}", self.plaza.url)).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().unwrap().clone()
    }

    /// The bytes of a form, by its signed address.
    async fn file(&self, content: &Value, name: &str) -> Vec<u8> {
        let forms = content["media"][0]["renditions"].as_array().unwrap();
        let form = forms.iter().find(|form| form["name"] == name).unwrap_or_else(|| panic!("{name} of {content}"));
        let url = format!("{}{}", self.plaza.url, form["url"].as_str().unwrap());
        client().get(url).send().await.unwrap().bytes().await.unwrap().to_vec()
    }
}

#[tokio::test]
async fn a_community_is_there_and_once() {
    let folder = Folder::new();
    let first = seed(&folder).await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(count(&first.stdout, "of them new"), 4);
    for what in ["posts", "reels", "stories", "comments", "livestreams", "listings", "reactions", "saves"] {
        assert!(count(&first.stdout, what) > 0, "{what}: {}", first.stdout);
    }
    let again = seed(&folder).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let new = |said: &str| said.replacen("4 of them new", "0 of them new", 1);
    assert_eq!(new(&first.stdout), again.stdout, "the same, whoever repeats it");

    let handle = first.stdout.split("\n  ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let password = first.stdout.split(['“', '”']).nth(1).unwrap();
    let plaza = Running::start(&folder).await;
    let body = json!({ "handle": handle, "password": password });
    let session = client().post(format!("{}/v1/sessions", plaza.url)).json(&body).send().await.unwrap();
    let session: Value = session.json().await.unwrap();
    let visitor = Visitor { plaza: &plaza, token: session["tokens"]["access_token"].as_str().unwrap().to_owned() };

    let own = |kind: &str| format!("/v1/people/{handle}/content?kind={kind}");
    let reels = visitor.items(&own("reel")).await;
    let film = visitor.file(&reels[0], "video").await;
    assert_eq!(&film[4..8], b"ftyp");
    assert_eq!((&reels[0]["media"][0]["width"], &reels[0]["media"][0]["duration_ms"]), (&json!(192), &json!(5_000)));
    let stories = visitor.items(&own("story")).await;
    assert!(image::load_from_memory(&visitor.file(&stories[0], "small").await).is_ok());
    let listings = visitor.items(&own("listing")).await;
    assert!(image::load_from_memory(&visitor.file(&listings[0], "small").await).is_ok());
    assert!(listings[0]["place"].is_object());
    let notifications = visitor.items("/v1/notifications").await;
    let told = |what: &str| notifications.iter().any(|it| it["what"] == what);
    assert!(told("reacted") && told("followed"), "{notifications:?}");
    assert!(!visitor.items("/v1/feed").await.is_empty(), "there is something left to see");
    plaza.stop().await;
}
