//! What makes a line, what joins one, what takes it away.

use std::time::Duration;

use kernel::ContentKind;
use schemas::engagement::Reaction;
use schemas::notifications::Happening;
use serde_json::json;

use crate::world::{ADA, BEN, CLEO, DANA, World, person};

#[tokio::test]
async fn reactions_of_a_day_are_one_line_whatever_repeats() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea at noon?");
    for _ in 0..2 {
        for user in [BEN, CLEO, DANA, person(5), person(6), ADA] {
            world.likes(user, post).await;
        }
    }
    let lines = world.lines(ADA).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let people: Vec<_> = lines[0].people.iter().map(|it| it.id).collect();
    assert_eq!((people, lines[0].others), (vec![person(6), person(5), DANA], 2), "not what ada did herself");
    assert_eq!(lines[0].reaction, Some(Reaction::Like));
    assert_eq!(lines[0].excerpt.as_deref(), Some("Tea at noon?"));
    world.engaged(person(6), post, "reaction", Some("wow"), true).await;
    assert_eq!(world.lines(ADA).await[0].reaction, Some(Reaction::Wow));
    assert!(world.lines(BEN).await.is_empty());
}

#[tokio::test]
async fn the_next_day_is_another_line_and_a_change_of_mind_is_none() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Reel, "");
    world.likes(BEN, post).await;
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    world.engaged(BEN, post, "reaction", Some("love"), true).await;
    world.likes(CLEO, post).await;
    let target = Some(post);
    assert_eq!(
        world.shorts(ADA).await,
        [(Happening::Reacted, target, vec![CLEO], 0), (Happening::Reacted, target, vec![BEN], 0)]
    );
    assert_eq!(world.lines(ADA).await[1].reaction, Some(Reaction::Love));
    assert_eq!(world.lines(ADA).await[1].excerpt, None, "there are no words to begin with");
}

#[tokio::test]
async fn what_is_taken_back_goes() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Listing, "Bicycle");
    for user in [BEN, CLEO] {
        world.likes(user, post).await;
        world.engaged(user, post, "share", None, true).await;
        world.engaged(user, post, "save", None, true).await;
    }
    let target = Some(post);
    assert_eq!(
        world.shorts(ADA).await,
        [(Happening::Shared, target, vec![CLEO, BEN], 0), (Happening::Reacted, target, vec![CLEO, BEN], 0)],
        "who saved is nobody's business"
    );
    for _ in 0..2 {
        world.engaged(CLEO, post, "reaction", Some("like"), false).await;
        world.engaged(CLEO, post, "share", None, false).await;
        world.engaged(BEN, post, "share", None, false).await;
    }
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, target, vec![BEN], 0)]);
    assert_eq!(world.kept().await, (1, 1));
}

#[tokio::test]
async fn comments_replies_and_mentions_reach_each_person_once() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea at noon?");
    let first = world.says(BEN, Some((post, post)), &[ADA]).await;
    let reply = world.says(CLEO, Some((first, post)), &[BEN, DANA, CLEO]).await;
    assert_eq!(world.shorts(ADA).await, [(Happening::Commented, Some(post), vec![CLEO, BEN], 0)]);
    assert_eq!(world.lines(ADA).await[0].latest, Some(reply));
    assert_eq!(world.lines(ADA).await[0].excerpt.as_deref(), Some("Gladly!"));
    assert_eq!(world.shorts(BEN).await, [(Happening::Replied, Some(first), vec![CLEO], 0)]);
    assert_eq!(world.shorts(DANA).await, [(Happening::Mentioned, Some(reply), vec![CLEO], 0)]);
    assert!(world.shorts(CLEO).await.is_empty());

    // One who answers twice is one person; one who answers themselves hears nothing.
    let again = world.says(CLEO, Some((first, post)), &[]).await;
    world.says(BEN, Some((first, post)), &[]).await;
    assert_eq!(world.shorts(BEN).await, [(Happening::Replied, Some(first), vec![CLEO], 0)]);
    assert_eq!(world.shorts(ADA).await, [(Happening::Commented, Some(post), vec![BEN, CLEO], 0)]);
    for comment in [again, reply] {
        world.tell("content.deleted", json!({ "content": comment })).await.unwrap();
    }
    assert!(world.shorts(BEN).await.is_empty() && world.shorts(DANA).await.is_empty());
    assert_eq!(world.shorts(ADA).await, [(Happening::Commented, Some(post), vec![BEN], 0)]);
}

#[tokio::test]
async fn an_edit_tells_those_who_were_not_mentioned_before() {
    let world = World::new().await;
    let post = world.says(ADA, None, &[BEN]).await;
    world.clock.advance(Duration::from_secs(48 * 60 * 60));
    let mut edited = world.created(post, ADA, None, &[BEN, CLEO]);
    edited.as_object_mut().unwrap().remove("created_at");
    edited["edited_at"] = json!(world.now());
    edited["version"] = json!(2);
    world.tell("content.edited", edited).await.unwrap();
    assert_eq!(world.shorts(BEN).await, [(Happening::Mentioned, Some(post), vec![ADA], 0)]);
    assert_eq!(world.shorts(CLEO).await, [(Happening::Mentioned, Some(post), vec![ADA], 0)]);
    assert_eq!(world.kept().await, (2, 2));
}

#[tokio::test]
async fn following_asking_and_granting() {
    let world = World::new().await;
    for _ in 0..2 {
        world.graph("follow.created", BEN, ADA).await;
        world.graph("follow.created", CLEO, ADA).await;
    }
    assert_eq!(world.shorts(ADA).await, [(Happening::Followed, None, vec![CLEO, BEN], 0)]);
    world.graph("follow.removed", BEN, ADA).await;
    assert_eq!(world.shorts(ADA).await, [(Happening::Followed, None, vec![CLEO], 0)]);

    world.graph("follow.requested", ADA, DANA).await;
    world.graph("follow.requested", BEN, DANA).await;
    assert_eq!(world.shorts(DANA).await, [(Happening::FollowRequested, None, vec![BEN, ADA], 0)]);
    for _ in 0..2 {
        world.graph("follow.request_removed", BEN, DANA).await;
    }
    assert_eq!(
        world.shorts(DANA).await,
        [(Happening::FollowRequested, None, vec![ADA], 0)],
        "there is nothing to answer"
    );
    world.graph("follow.created", ADA, DANA).await;
    world.graph("follow.accepted", ADA, DANA).await;
    assert!(world.shorts(DANA).await.is_empty(), "who grants knows");
    assert_eq!(world.shorts(ADA).await[0], (Happening::FollowAccepted, None, vec![DANA], 0));
}

#[tokio::test]
async fn content_and_accounts_take_their_lines_with_them() {
    let world = World::new().await;
    let (story, post) = (world.publish(ADA, ContentKind::Story, "Now"), world.publish(ADA, ContentKind::Post, "Later"));
    for content in [story, post] {
        world.likes(BEN, content).await;
        world.likes(CLEO, content).await;
    }
    world.graph("follow.created", ADA, BEN).await;
    for _ in 0..2 {
        world.tell("content.expired", json!({ "content": story })).await.unwrap();
        world.tell("account.deleted", json!({ "user": BEN })).await.unwrap();
    }
    assert_eq!(world.shorts(ADA).await, [(Happening::Reacted, Some(post), vec![CLEO], 0)]);
    assert_eq!(world.kept().await, (1, 1));
}
