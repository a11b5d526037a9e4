//! Distribution by the rule of cost.

use std::time::Duration;

use feed::policy::{CLASSES, OPENS_MIN};
use kernel::{ContentId, UserId};

use crate::with_each_store;
use crate::world::{Store, World};

with_each_store! {
    those_who_come_often_are_pushed_to_and_the_rest_pull,
    nothing_is_lost_or_shown_twice_when_somebody_comes_more_often,
    an_author_who_falls_silent_is_pushed_again_and_nothing_is_lost,
}

/// As many opens, all at once, as bring a viewer into the highest class.
const OFTEN: u32 = 30;
const _: () = assert!(OFTEN as f64 / 7.0 > OPENS_MIN[CLASSES - 2]);

async fn posts(world: &World, author: UserId, count: usize) -> Vec<ContentId> {
    let mut posts = Vec::new();
    for _ in 0..count {
        posts.insert(0, world.post(author).await);
    }
    world.drain().await;
    posts
}

async fn those_who_come_often_are_pushed_to_and_the_rest_pull(store: Store) {
    let world = World::ruled(store).await;
    let [ada, eager, rare] = world.people();
    world.follow(eager, ada).await;
    world.follow(rare, ada).await;
    world.drain().await;
    world.open(eager, OFTEN).await;
    let written = posts(&world, ada, 7).await;
    assert_eq!(world.timeline(eager).await, written);
    assert!(world.timeline(rare).await.is_empty(), "a look costs less than seven rows");
    for viewer in [eager, rare] {
        assert_eq!(world.feed_by(viewer, 3).await, written);
    }
    // What hides a pushed post hides a pulled one.
    world.delete(ada, written[0]).await;
    assert_eq!(world.feed(rare).await, written[1..]);
    world.mute(rare, ada, true);
    assert_eq!(world.feed(rare).await, []);
    world.unfollow(eager, ada).await;
    assert_eq!(world.feed(eager).await, []);
}

async fn nothing_is_lost_or_shown_twice_when_somebody_comes_more_often(store: Store) {
    let world = World::ruled(store).await;
    let [ada, ben] = world.people();
    world.follow(ben, ada).await;
    world.drain().await;
    let mut wanted = posts(&world, ada, 3).await;
    assert!(world.timeline(ben).await.is_empty());
    world.open(ben, OFTEN).await;
    for _ in 0..4 {
        // While what was published before is within reach, and long after.
        wanted.splice(0..0, posts(&world, ada, 2).await);
        assert_eq!(world.feed_by(ben, 2).await, wanted);
        world.clock.advance(Duration::from_secs(61));
    }
    assert!((1..wanted.len()).contains(&world.timeline(ben).await.len()), "pushed from some point on");
    // And seldom again.
    world.clock.advance(Duration::from_hours(24 * 60));
    world.worker.recheck().await.unwrap();
    let pushed = world.timeline(ben).await.len();
    wanted.splice(0..0, posts(&world, ada, 2).await);
    assert_eq!(world.timeline(ben).await.len(), pushed, "nobody pushes to who does not come");
    assert_eq!(world.feed_by(ben, 2).await, wanted);
}

async fn an_author_who_falls_silent_is_pushed_again_and_nothing_is_lost(store: Store) {
    let world = World::ruled(store).await;
    let [ada, ben] = world.people();
    world.follow(ben, ada).await;
    world.drain().await;
    world.open(ben, 3).await;
    let mut wanted = posts(&world, ada, 12).await;
    let pushed = world.timeline(ben).await.len();
    assert!(pushed < 12, "she writes far more often than ben reads");
    world.clock.advance(Duration::from_hours(24 * 30));
    world.open(ben, 3).await;
    world.worker.recheck().await.unwrap();
    wanted.splice(0..0, posts(&world, ada, 1).await);
    assert_eq!(world.timeline(ben).await.len(), pushed + 1, "once a month is worth a row");
    for size in [1, 5, 50] {
        assert_eq!(world.feed_by(ben, size).await, wanted, "in pages of {size}");
    }
}
