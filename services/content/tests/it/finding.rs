//! Hashtags for those who search, and posts for those who count.

use content::LOOKED_AT;
use kernel::UserId;
use schemas::content::Audience;

use crate::world::World;

async fn hashtags(world: &World, reader: UserId, tags: &[&str]) -> Vec<(String, u64)> {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let found = world.contents.hashtags(reader, &tags).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|found| (found.tag, found.uses)).collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_hashtag_is_shown_to_those_who_may_read_one_of_its_posts() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    world.post(ada, "#tea #both").await;
    world.post(ben, "#coffee #both").await;
    world.post_to(ben, "#close", Audience::Followers).await;
    let asked = ["tea", "coffee", "both", "close", "none"];
    let found =
        |found: &[(&str, u64)]| found.iter().map(|(tag, posts)| ((*tag).to_owned(), *posts)).collect::<Vec<_>>();
    assert_eq!(hashtags(&world, cleo, &asked).await, found(&[("both", 2), ("coffee", 1), ("tea", 1)]));
    world.block(ben, cleo);
    assert_eq!(hashtags(&world, cleo, &asked).await, found(&[("both", 2), ("tea", 1)]));
    world.private(ada);
    assert_eq!(hashtags(&world, cleo, &asked).await, []);
    assert_eq!(hashtags(&world, ada, &asked).await, found(&[("both", 2), ("coffee", 1), ("tea", 1)]));
    assert_eq!(hashtags(&world, ada, &[]).await, []);
    world.neighbours_away();
    assert!(world.contents.hashtags(ada, &["tea".to_owned()]).await.is_err());
}

#[tokio::test]
async fn only_so_many_posts_of_a_hashtag_are_looked_at() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    world.post(ada, "#tea").await;
    for _ in 1..LOOKED_AT {
        world.post(ben, "#tea").await;
    }
    world.block(ben, cleo);
    assert_eq!(hashtags(&world, cleo, &["tea"]).await.len(), 1);
    world.post(ben, "#tea").await;
    assert_eq!(hashtags(&world, cleo, &["tea"]).await.len(), 0);
}

#[tokio::test]
async fn an_open_post_is_public_and_of_an_account_that_is_not_private() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let (open, close) = (world.post(ada, "#tea").await.id, world.post_to(ada, "#tea", Audience::Followers).await.id);
    let gone = world.post(ben, "#tea").await.id;
    let is_open = async |post| world.contents.open(post).await.unwrap().is_some();
    assert_eq!((is_open(open).await, is_open(close).await, is_open(gone).await), (true, false, true));
    world.contents.delete(&world.ctx(ben), gone).await.unwrap();
    world.private(ada);
    assert_eq!((is_open(open).await, is_open(close).await, is_open(gone).await), (false, false, false));
}
