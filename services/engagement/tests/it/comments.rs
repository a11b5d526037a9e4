//! Comments are counted at everything above them.

use kernel::ContentKind;

use crate::world::World;

#[tokio::test]
async fn comments_of_any_depth_are_counted_once_whatever_comes_twice_or_late() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let post = world.publish(ada, ContentKind::Post);
    let first = world.comment(ben, post);
    let second = world.comment(ada, first);
    let third = world.comment(ben, second);
    // The deepest is heard of first.
    for comment in [third, first, second, first, third] {
        world.created(comment).await;
    }
    let comments = async |content| world.of(ada, content).await.counts.comments;
    assert_eq!(
        [comments(post).await, comments(first).await, comments(second).await, comments(third).await],
        [3, 2, 1, 0]
    );
    for _ in 0..2 {
        world.deleted(second).await;
    }
    assert_eq!([comments(post).await, comments(first).await], [2, 1], "what stood below it is still there");
    world.created(second).await;
    assert_eq!(comments(post).await, 2, "an event that comes late brings nothing back");
    world.assert_exact().await;
    world.created(post).await;
    assert_eq!(comments(post).await, 2, "only comments are comments");
}

#[tokio::test]
async fn when_content_does_not_answer_the_event_is_kept() {
    let world = World::new().await;
    let [ada] = world.people();
    let post = world.publish(ada, ContentKind::Post);
    let comment = world.comment(ada, post);
    world.neighbours_away();
    let told = world.tell("content.created", serde_json::json!({ "content": comment })).await;
    assert!(told.is_err());
    assert_eq!(world.rows("engagement_edges").await, 0);
}
