//! What is in the feed, and what is not.

use feed::{BACKFILL_MAX, ROUNDS_MAX};
use kernel::{Cursor, ErrorKind, Fail as _, PageSize};
use schemas::content::Audience;
use schemas::feed::Why;

use crate::with_each_store;
use crate::world::{Store, World};

with_each_store! {
    a_post_reaches_followers_and_nobody_else,
    following_brings_what_was_posted_before_and_unfollowing_takes_it_away,
    a_block_a_mute_and_a_deletion_take_effect_before_the_worker_hears_of_them,
    a_new_follower_finds_the_latest_hundred,
    posting_while_somebody_pages_repeats_and_loses_nothing,
    a_page_that_filtering_empties_is_not_the_end,
    deleted_posts_leave_the_timeline_when_a_page_comes_across_them,
    an_account_that_is_gone_leaves_nothing,
}

async fn a_post_reaches_followers_and_nobody_else(store: Store) {
    let world = World::new(store).await;
    let [ada, ben, cleo] = world.people();
    world.follow(ben, ada).await;
    let first = world.post(ada).await;
    let second = world.post_to(ada, Audience::Followers).await;
    world.drain().await;
    assert_eq!(world.feed(ben).await, [second, first]);
    assert_eq!(world.feed(ada).await, [second, first], "one's own");
    assert_eq!(world.feed(cleo).await, []);
    let page = world.page(ben, None, 1).await;
    assert_eq!((page.items[0].why.clone(), page.items[0].content.author.id), (Why::Followed, ada));
    assert_eq!(world.page(ada, None, 1).await.items[0].why, Why::Own);
    // One's own are there before anybody else's.
    let third = world.post(ada).await;
    assert_eq!(world.feed(ada).await, [third, second, first]);
}

async fn following_brings_what_was_posted_before_and_unfollowing_takes_it_away(store: Store) {
    let world = World::new(store).await;
    let [ada, ben] = world.people();
    let (first, second) = (world.post(ada).await, world.post(ada).await);
    for _ in 0..3 {
        world.follow(ben, ada).await;
        world.drain().await;
        assert_eq!(world.feed(ben).await, [second, first]);
        world.unfollow(ben, ada).await;
        assert_eq!(world.feed(ben).await, [], "before the worker hears of it");
        world.drain().await;
        assert_eq!(world.timeline(ben).await, []);
    }
    // Undone before the worker gets to it: the events of a pair are in order.
    world.follow(ben, ada).await;
    world.unfollow(ben, ada).await;
    world.follow(ben, ada).await;
    world.drain().await;
    assert_eq!(world.feed(ben).await, [second, first]);
}

async fn a_block_a_mute_and_a_deletion_take_effect_before_the_worker_hears_of_them(store: Store) {
    let world = World::new(store).await;
    let [ada, ben, cleo] = world.people();
    for author in [ada, cleo] {
        world.follow(ben, author).await;
    }
    let (by_ada, by_cleo) = (world.post(ada).await, world.post(cleo).await);
    let deleted = world.post(cleo).await;
    world.drain().await;
    assert_eq!(world.feed(ben).await, [deleted, by_cleo, by_ada]);
    world.delete(cleo, deleted).await;
    assert_eq!(world.feed(ben).await, [by_cleo, by_ada]);
    world.mute(ben, cleo, true);
    assert_eq!(world.feed(ben).await, [by_ada]);
    world.mute(ben, cleo, false);
    assert_eq!(world.feed(ben).await, [by_cleo, by_ada]);
    world.block(ada, ben).await;
    assert_eq!(world.feed(ben).await, [by_cleo]);
    world.drain().await;
    assert_eq!(world.timeline(ben).await, [by_cleo]);
    world.society.set_away(true);
    let error = world.feed.following(&world.ctx(ben), None, PageSize::DEFAULT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing is shown that nobody vouches for");
}

async fn a_new_follower_finds_the_latest_hundred(store: Store) {
    let world = World::new(store).await;
    let [ada, ben] = world.people();
    let mut posts = Vec::new();
    for _ in 0..=BACKFILL_MAX {
        posts.insert(0, world.post(ada).await);
    }
    world.drain().await;
    world.follow(ben, ada).await;
    world.drain().await;
    assert_eq!(world.feed_by(ben, 33).await, posts[..BACKFILL_MAX]);
}

async fn posting_while_somebody_pages_repeats_and_loses_nothing(store: Store) {
    let world = World::new(store).await;
    let [ada, ben, cleo] = world.people();
    for author in [ada, cleo] {
        world.follow(ben, author).await;
    }
    let mut wanted = Vec::new();
    for n in 0..40 {
        wanted.insert(0, world.post([ada, cleo, ben][n % 3]).await);
    }
    world.drain().await;
    let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let page = world.page(ben, cursor.as_ref(), 7).await;
        seen.extend(page.items.iter().map(|item| item.content.id));
        for author in [ada, ben, cleo] {
            world.post(author).await;
        }
        world.drain().await;
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(seen, wanted);
}

async fn a_page_that_filtering_empties_is_not_the_end(store: Store) {
    let world = World::new(store).await;
    let [ada, ben, noisy] = world.people();
    for author in [ada, noisy] {
        world.follow(ben, author).await;
    }
    let oldest = world.post(ada).await;
    // More than all rounds of a page of one look through.
    for _ in 0..ROUNDS_MAX * 20 {
        world.post(noisy).await;
    }
    world.drain().await;
    world.mute(ben, noisy, true);
    let first = world.page(ben, None, 1).await;
    assert!(first.items.is_empty() && first.next.is_some(), "bounded work, and a way on");
    assert_eq!(world.feed_by(ben, 1).await, [oldest]);
    assert_eq!(world.feed_by(ben, 100).await, [oldest]);
}

async fn deleted_posts_leave_the_timeline_when_a_page_comes_across_them(store: Store) {
    let world = World::new(store).await;
    let [ada, ben] = world.people();
    world.follow(ben, ada).await;
    let (stays, goes) = (world.post(ada).await, world.post(ada).await);
    world.drain().await;
    world.delete(ada, goes).await;
    world.drain().await;
    assert_eq!(world.timeline(ben).await, [goes, stays]);
    assert_eq!(world.feed(ben).await, [stays]);
    assert_eq!(world.timeline(ben).await, [stays]);
}

async fn an_account_that_is_gone_leaves_nothing(store: Store) {
    let world = World::new(store).await;
    let [ada, ben, cleo] = world.people();
    world.follow(ben, ada).await;
    world.follow(cleo, ben).await;
    world.post(ada).await;
    world.post(ben).await;
    world.drain().await;
    assert_eq!(world.feed(cleo).await.len(), 1);
    world.society.change(|known| known.people.remove(&ben));
    assert_eq!(world.feed(cleo).await, [], "its posts have no author any more");
    world.unfollow(cleo, ben).await;
    world.unfollow(ben, ada).await;
    world.tell_of("account.deleted", ben.to_string(), serde_json::json!({ "user": ben })).await;
    world.drain().await;
    assert_eq!((world.timeline(ben).await, world.timeline(cleo).await), (vec![], vec![]));
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let world = World::new(Store::Postgres).await;
    let ada = world.person();
    for forged in [Cursor::from("x".to_owned()), Cursor::encode(&7), Cursor::encode(&ada)] {
        let error = world.feed.following(&world.ctx(ada), Some(&forged), PageSize::DEFAULT).await.unwrap_err();
        assert_eq!(error.code(), "invalid_cursor");
    }
}
