//! What the devices of a person hear.

use kernel::ContentKind;
use live::Topic;
use notifications::LIVE_EACH;

use crate::world::{ADA, BEN, CLEO, World, person};

#[tokio::test]
async fn a_new_line_and_its_growth_are_told_live_once() {
    let world = World::new().await;
    let mut ear = world.listen(&[ADA, BEN]).await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    for _ in 0..2 {
        world.likes(BEN, post).await;
    }
    let (topic, body) = ear.next().await;
    assert_eq!((topic, body["type"].as_str()), (Topic::User(ADA), Some("notification.added")));
    assert_eq!(body["notification"]["people"][0]["id"], BEN.to_string());
    assert!(ear.is_silent(), "a repeat is not told");
    world.likes(ADA, post).await;
    world.silence(ADA, CLEO);
    world.likes(CLEO, post).await;
    let (_, body) = ear.next().await;
    assert_eq!(body["notification"]["people"].as_array().map(Vec::len), Some(1), "it grew by whom ada does not hear");
    for number in 3..=LIVE_EACH as u128 * 2 {
        world.likes(person(100 + number), post).await;
    }
    let mut heard = 0;
    while !ear.is_silent() {
        heard += 1;
    }
    assert_eq!(heard, LIVE_EACH - 2 + 1, "each up to {LIVE_EACH}, then the doubling");
}

#[tokio::test]
async fn nobody_hears_of_the_silenced_alone() {
    let world = World::new().await;
    let mut ear = world.listen(&[ADA]).await;
    world.silence(ADA, BEN);
    world.graph("follow.created", BEN, ADA).await;
    assert!(ear.is_silent());
    world.graph("follow.created", CLEO, ADA).await;
    assert_eq!(ear.next().await.1["notification"]["what"], "followed");
}

#[tokio::test]
async fn reading_on_one_device_is_told_to_the_others() {
    let world = World::new().await;
    let mut ear = world.listen(&[ADA]).await;
    let until = world.now();
    for _ in 0..2 {
        world.inbox.read(&world.ctx(ADA), until).await.unwrap();
    }
    let (topic, body) = ear.next().await;
    assert_eq!((topic, body["type"].as_str()), (Topic::User(ADA), Some("notifications.read")));
    assert_eq!(body["read_until"], until.to_string());
    assert!(ear.is_silent(), "what does not move is not told");
}
