//! Names, while they are typed.

use kernel::Fail as _;
use search::COMPLETIONS_MAX;

use crate::world::{World, name};

#[tokio::test]
async fn a_beginning_becomes_handles_names_and_hashtags() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada Lovelace").await;
    world.person("loud", "Ben").await;
    world.hashtag("love", 3).await;
    world.hashtag("other", 9).await;
    let complete = async |q: &str, kinds: Option<&str>| {
        let found = world.search.complete(&world.ctx(ada), q, kinds, 10).await?;
        Ok::<_, search::Error>(crate::world::sorted(found.items.iter().map(name).collect()))
    };
    assert_eq!(complete("lo", None).await.unwrap(), ["#love", "@ada", "@loud"]);
    assert_eq!(complete("@LO", None).await.unwrap(), ["@ada", "@loud"]);
    assert_eq!(complete("#lo", None).await.unwrap(), ["#love"]);
    assert_eq!(complete("lov", Some("person")).await.unwrap(), ["@ada"]);
    assert_eq!(complete("ada lo", None).await.unwrap(), ["@ada"]);
    assert_eq!(complete("xyz", None).await.unwrap(), [""; 0]);
    for (q, kinds, code) in [
        ("", None, "invalid_search_text"),
        ("#", None, "invalid_search_text"),
        ("a", Some("post"), "invalid_search_kinds"),
    ] {
        assert_eq!(complete(q, kinds).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn whoever_may_not_be_seen_is_made_up_for() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada").await;
    for n in 0..2 * COMPLETIONS_MAX {
        let other = world.person(&format!("tea{n:02}"), "Somebody").await;
        if n % 2 == 0 {
            world.change(|known| known.town.blocks.insert((other, ada)));
        }
    }
    let found = world.search.complete(&world.ctx(ada), "tea", None, COMPLETIONS_MAX).await.unwrap();
    assert_eq!(found.items.len(), COMPLETIONS_MAX);
    assert_eq!(world.search.complete(&world.ctx(ada), "tea", None, 3).await.unwrap().items.len(), 3);
}
