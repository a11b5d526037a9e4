//! What is shown is decided when it is read.

use kernel::ContentKind;
use notifications::ACTS_READ;
use schemas::notifications::Happening;

use crate::world::{ADA, BEN, CLEO, DANA, World, person};

#[tokio::test]
async fn the_silenced_are_neither_named_nor_counted_until_they_are_heard_again() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    for user in [DANA, CLEO, BEN] {
        world.likes(user, post).await;
    }
    let alone = world.publish(ADA, ContentKind::Post, "Cake");
    world.likes(BEN, alone).await;
    world.silence(ADA, BEN);
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, Some(post), vec![CLEO, DANA], 0)]);
    assert_eq!(world.unread(ADA).await, 1);
    world.hear(ADA, BEN);
    assert_eq!(world.shorts(ADA).await.len(), 2);
    assert_eq!(world.unread(ADA).await, 2);
}

#[tokio::test]
async fn what_one_may_no_longer_see_falls_out() {
    let world = World::new().await;
    let post = world.publish(BEN, ContentKind::Post, "Tea");
    let mention = world.says(CLEO, None, &[ADA]).await;
    let comment = world.says(ADA, Some((post, post)), &[]).await;
    let reply = world.says(DANA, Some((comment, post)), &[]).await;
    assert_eq!(world.shorts(ADA).await.len(), 2);
    world.hide(ADA, mention);
    assert_eq!(world.shorts(ADA).await, [(Happening::Replied, Some(comment), vec![DANA], 0)]);
    world.hide(ADA, reply);
    assert!(world.shorts(ADA).await.is_empty(), "the reply is all that the line was about");
    assert_eq!(world.unread(ADA).await, 0);
}

#[tokio::test]
async fn when_nobody_answers_nothing_is_shown() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    world.likes(BEN, post).await;
    world.neighbours_away(true);
    // The act is kept all the same.
    world.likes(CLEO, post).await;
    assert!(world.inbox.inbox(&world.ctx(ADA), None, Default::default()).await.is_err());
    assert!(world.inbox.unread(ADA).await.is_err());
    world.neighbours_away(false);
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, Some(post), vec![CLEO, BEN], 0)]);
}

#[tokio::test]
async fn of_a_long_line_the_last_are_looked_at_and_the_rest_are_a_number() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    let crowd: Vec<_> = (0..ACTS_READ as u128 + 4).map(|number| person(100 + number)).collect();
    for user in &crowd {
        world.likes(*user, post).await;
    }
    let last: Vec<_> = crowd.iter().rev().take(3).copied().collect();
    let others = crowd.len() as u32 - 3;
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, Some(post), last.clone(), others)]);
    world.silence(ADA, last[1]);
    let next = crowd[crowd.len() - 4];
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, Some(post), vec![last[0], last[2], next], others - 1)]);
}
