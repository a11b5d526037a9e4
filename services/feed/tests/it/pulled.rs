//! Authors with many followers.

use kernel::{ContentId, UserId};

use crate::with_each_store;
use crate::world::{PULL_MIN, Store, World};

with_each_store! {
    a_big_authors_posts_are_pulled,
    nothing_is_lost_or_shown_twice_when_an_author_grows_and_shrinks,
    pulled_and_pushed_posts_are_one_feed_in_pages,
}

async fn followers(world: &World, author: UserId, count: u64) -> Vec<UserId> {
    let mut followers = Vec::new();
    for _ in 0..count {
        let follower = world.person();
        world.follow(follower, author).await;
        followers.push(follower);
    }
    followers
}

async fn a_big_authors_posts_are_pulled(store: Store) {
    let world = World::new(store).await;
    let [ada, ben] = world.people();
    let few = followers(&world, ada, PULL_MIN - 1).await;
    let many = followers(&world, ben, PULL_MIN).await;
    world.drain().await;
    let (by_ada, by_ben) = (world.post(ada).await, world.post(ben).await);
    world.drain().await;
    assert_eq!(world.timeline(few[0]).await, [by_ada]);
    assert_eq!(world.timeline(many[0]).await, []);
    assert_eq!(world.feed(many[0]).await, [by_ben]);
    assert_eq!(world.feed(few[0]).await, [by_ada], "who does not follow does not pull");
    // Everything that hides a pushed post hides a pulled one.
    world.mute(many[0], ben, true);
    world.unfollow(many[1], ben).await;
    world.block(ben, many[2]).await;
    for viewer in &many[..3] {
        assert_eq!(world.feed(*viewer).await, []);
    }
    world.delete(ben, by_ben).await;
    assert_eq!(world.feed(many[3]).await, []);
}

async fn nothing_is_lost_or_shown_twice_when_an_author_grows_and_shrinks(store: Store) {
    let world = World::new(store).await;
    let ada = world.person();
    let mut wanted: Vec<ContentId> = Vec::new();
    let mut fans = followers(&world, ada, 1).await;
    let fan = fans[0];
    // Up over the threshold, down below half of it, and up again, with a post at each size.
    for size in [1, 2, 3, 4, 5, 4, 3, 2, 1, 2, 3, 4, 5, 1] {
        while fans.len() > size {
            world.unfollow(fans.pop().unwrap(), ada).await;
        }
        let more = size - fans.len();
        fans.extend(followers(&world, ada, more as u64).await);
        wanted.insert(0, world.post(ada).await);
        world.drain().await;
        assert_eq!(world.feed_by(fan, 3).await, wanted, "with {size} followers");
    }
    let pushed = world.timeline(fan).await.len();
    assert!((1..wanted.len()).contains(&pushed), "{pushed} of {} were pushed", wanted.len());
}

async fn pulled_and_pushed_posts_are_one_feed_in_pages(store: Store) {
    let world = World::new(store).await;
    let [small, big, reader] = world.people();
    followers(&world, big, PULL_MIN).await;
    for author in [small, big] {
        world.follow(reader, author).await;
    }
    let mut wanted = Vec::new();
    for n in 0..60 {
        // Long runs of either, so that a page of one source reaches far beyond a page of the other.
        let author = if (n / 20) % 2 == 0 { small } else { big };
        wanted.insert(0, world.post(author).await);
    }
    world.drain().await;
    for size in [1, 3, 50] {
        assert_eq!(world.feed_by(reader, size).await, wanted, "in pages of {size}");
    }
}
