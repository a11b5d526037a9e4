//! Pages, and how far one has read.

use std::time::Duration;

use kernel::{ContentKind, Cursor, PageSize};
use notifications::{ROUNDS_MAX, UNREAD_MAX};

use crate::world::{ADA, BEN, CLEO, World};

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_whatever_moves_up_meanwhile() {
    let world = World::new().await;
    let mut posts = Vec::new();
    for number in 0..5 {
        let post = world.publish(ADA, ContentKind::Post, &format!("Post {number}"));
        world.likes(BEN, post).await;
        posts.push(post);
    }
    let two = PageSize::try_from(2).unwrap();
    let first = world.inbox.inbox(&world.ctx(ADA), None, two).await.unwrap();
    assert_eq!(first.items.iter().map(|it| it.target).collect::<Vec<_>>(), [Some(posts[4]), Some(posts[3])]);
    world.likes(CLEO, posts[3]).await;
    world.likes(CLEO, posts[0]).await;
    let second = world.inbox.inbox(&world.ctx(ADA), first.next.as_ref(), two).await.unwrap();
    assert_eq!(second.items.iter().map(|it| it.target).collect::<Vec<_>>(), [Some(posts[2]), Some(posts[1])]);
    assert_eq!(second.next, None, "the last one is on the top now");
    let again = world.lines(ADA).await;
    assert_eq!(again[0].target, Some(posts[0]));
    assert_eq!(again[1].id, first.items[1].id, "a line keeps its id");
}

#[tokio::test]
async fn a_long_run_of_hidden_lines_ends_a_page_not_the_inbox() {
    let world = World::new().await;
    let bottom = world.publish(ADA, ContentKind::Post, "Bottom");
    world.likes(CLEO, bottom).await;
    for _ in 0..(ROUNDS_MAX + 1) * 3 {
        world.likes(BEN, world.publish(ADA, ContentKind::Post, "Tea")).await;
    }
    world.silence(ADA, BEN);
    let (mut pages, mut found, mut cursor) = (0, Vec::new(), None::<Cursor>);
    loop {
        let two = PageSize::try_from(2).unwrap();
        let page = world.inbox.inbox(&world.ctx(ADA), cursor.as_ref(), two).await.unwrap();
        found.extend(page.items.into_iter().map(|it| it.target));
        (pages, cursor) = (pages + 1, page.next);
        if cursor.is_none() {
            break;
        }
    }
    assert!(pages > 1);
    assert_eq!(found, [Some(bottom)]);
}

#[tokio::test]
async fn the_mark_of_all_devices_moves_on_and_never_back() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    world.likes(BEN, post).await;
    let first = world.lines(ADA).await.remove(0);
    assert!(!first.read);
    let none = world.inbox.unread(ADA).await.unwrap();
    assert_eq!((none.unread, none.more, none.read_until), (1, false, None));
    let read = world.inbox.read(&world.ctx(ADA), first.at).await.unwrap();
    assert_eq!((read.unread, read.read_until), (0, Some(first.at)));
    assert!(world.lines(ADA).await[0].read);
    let back = world.inbox.read(&world.ctx(ADA), first.at.minus(Duration::from_secs(60))).await.unwrap();
    assert_eq!(back.read_until, Some(first.at));
    world.likes(CLEO, post).await;
    assert!(!world.lines(ADA).await[0].read, "somebody joined");
    let ctx = world.ctx(ADA);
    let ahead = world.inbox.read(&ctx, ctx.now.plus(Duration::from_secs(60))).await.unwrap();
    assert_eq!((ahead.unread, ahead.read_until), (0, Some(ctx.now)), "nobody has read what is to come");
    world.likes(ADA, post).await;
    assert_eq!(world.unread(ADA).await, 0);
}

#[tokio::test]
async fn what_is_heard_of_late_is_unread() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    let done_at = world.now();
    world.clock.advance(Duration::from_secs(5));
    let ctx = world.ctx(ADA);
    world.inbox.read(&ctx, ctx.now).await.unwrap();
    let event = serde_json::json!({
        "content": post, "author": ADA, "user": BEN, "what": "reaction", "value": "like", "on": true, "at": done_at,
    });
    for _ in 0..2 {
        world.tell("engagement.changed", event.clone()).await.unwrap();
        assert_eq!(world.unread(ADA).await, 1);
    }
    let line = world.lines(ADA).await.remove(0);
    assert!(!line.read && line.at > ctx.now, "{line:?}");
    assert_eq!(world.inbox.read(&world.ctx(ADA), line.at).await.unwrap().unread, 0);
}

#[tokio::test]
async fn the_unread_are_counted_up_to_a_limit() {
    let world = World::new().await;
    for number in 0..=UNREAD_MAX {
        let inbox = world.inbox.unread(ADA).await.unwrap();
        assert_eq!((inbox.unread as usize, inbox.more), (number, false));
        world.likes(BEN, world.publish(ADA, ContentKind::Post, "Tea")).await;
    }
    let full = world.inbox.unread(ADA).await.unwrap();
    assert_eq!((full.unread as usize, full.more), (UNREAD_MAX, true));
}
