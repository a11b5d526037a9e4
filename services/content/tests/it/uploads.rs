use std::collections::HashSet;

use schemas::content::{ContentCreate, PostCreate, StoryCreate};

use crate::world::World;

#[tokio::test]
async fn what_shows_an_upload_is_known_until_the_last_is_deleted() {
    let world = World::new().await;
    let [ada] = world.people(["ada"]);
    let (both, one, none) = (world.picture(ada), world.picture(ada), world.picture(ada));
    let post = PostCreate { text: "Tea".to_owned(), media: vec![both, one], ..PostCreate::default() };
    let story = StoryCreate { media: both, text: None, audience: None };
    let mut written = Vec::new();
    for wish in [ContentCreate::from(post), ContentCreate::from(story)] {
        written.push(world.contents.create(&world.ctx(ada), wish).await.unwrap().id);
    }
    let showing = async || world.contents.showing(&[both, one, none]).await.unwrap();
    assert_eq!(showing().await, HashSet::from([both, one]));
    world.contents.delete(&world.ctx(ada), written[0]).await.unwrap();
    assert_eq!(showing().await, HashSet::from([both]));
    world.contents.delete(&world.ctx(ada), written[1]).await.unwrap();
    assert!(showing().await.is_empty());
    assert!(world.contents.showing(&[]).await.unwrap().is_empty());
}
