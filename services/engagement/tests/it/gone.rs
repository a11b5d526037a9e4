//! When content or an account goes.

use engagement::{BATCHES_AT_ONCE, FORGET_BATCH};
use kernel::ContentKind;
use schemas::engagement::Reaction;
use serde_json::json;

use crate::world::World;

/// As many reactions as it takes, without asking anybody.
async fn crowd(world: &World, content: kernel::ContentId, size: i64) {
    sqlx::query(
        "WITH made AS (
             INSERT INTO engagement_edges (content, what, actor, kind, author, value, at)
             SELECT $1, 1, gen_random_uuid(), 1, $1, 2, now() FROM generate_series(1, $2) RETURNING content
         )
         INSERT INTO engagement_counters (content, what, value, slot, count) SELECT $1, 1, 2, 0, count(*) FROM made",
    )
    .bind(content.uuid())
    .bind(size)
    .execute(world.db.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn everything_about_content_goes_with_it_in_batches() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    for (kind, size, event) in [
        (ContentKind::Post, FORGET_BATCH, "content.deleted"),
        (ContentKind::Story, FORGET_BATCH + 1, "content.expired"),
    ] {
        let (content, other) = (world.publish(ada, kind), world.publish(ada, kind));
        crowd(&world, content, size).await;
        let comment = world.comment(ben, content);
        world.created(comment).await;
        world.look(ben, content, "r", 1).await;
        world.engagement.save(&world.ctx(ben), other).await.unwrap();
        assert_eq!(world.of(ben, content).await.counts.reactions[&Reaction::Love], size.unsigned_abs());
        for _ in 0..2 {
            world.tell(event, json!({ "content": content })).await.unwrap();
        }
        assert_eq!(world.of(ben, content).await, schemas::engagement::Engagement::default());
        assert_eq!(world.of(ben, other).await.counts.saves, 1);
        world.assert_exact().await;
    }
    assert_eq!(world.rows("engagement_edges").await, 2);
}

#[tokio::test]
async fn what_many_did_goes_beside_everything_else_and_stays_exact() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let at_once = BATCHES_AT_ONCE as i64 * FORGET_BATCH;
    let (loud, quiet) = (world.publish(ada, ContentKind::Post), world.publish(ada, ContentKind::Post));
    crowd(&world, loud, at_once + FORGET_BATCH + 7).await;
    crowd(&world, quiet, at_once - 1).await;
    for content in [quiet, loud] {
        // Whoever is told twice, because they died over it, goes on.
        world.tell("content.deleted", json!({ "content": content })).await.unwrap();
    }
    world.assert_exact().await;
    assert_eq!(world.rows("engagement_edges").await, FORGET_BATCH + 7, "the rest waits");
    world.engagement.react(&world.ctx(ben), loud, Reaction::Like).await.unwrap();
    assert_eq!(world.rows("engagement_edges").await, FORGET_BATCH + 7, "and nothing is added meanwhile");
    let mut left = Vec::new();
    while world.engagement.forget_some().await.unwrap() {
        left.push(world.rows("engagement_edges").await);
        world.assert_exact().await;
    }
    assert_eq!(left, [7, 0]);
    assert_eq!(world.rows("engagement_counters").await, 0);
}

#[tokio::test]
async fn nothing_is_added_to_what_is_gone() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let post = world.publish(ada, ContentKind::Post);
    let comment = world.comment(ben, post);
    world.deleted(post).await;
    // Content's own answer may be behind by a moment.
    world.engagement.react(&world.ctx(ben), post, Reaction::Like).await.unwrap();
    world.look(ben, post, "r", 5).await;
    world.created(comment).await;
    assert_eq!((world.rows("engagement_edges").await, world.rows("impressions").await), (0, 0));
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn what_an_account_did_goes_with_it() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    let posts: Vec<_> = (0..5).map(|_| world.publish(ada, ContentKind::Post)).collect();
    for post in &posts {
        for user in [ben, cleo] {
            world.engagement.react(&world.ctx(user), *post, Reaction::Wow).await.unwrap();
            world.engagement.share(&world.ctx(user), *post, None).await.unwrap();
            world.look(user, *post, "r", 9).await;
        }
        world.engagement.save(&world.ctx(ben), *post).await.unwrap();
    }
    for _ in 0..2 {
        let event = json!({ "user": ben, "handle": "ben", "name": "Ben", "private": false });
        world.tell("account.deleted", event).await.unwrap();
    }
    for post in &posts {
        let counts = world.of(cleo, *post).await.counts;
        assert_eq!((counts.reactions[&Reaction::Wow], counts.shares, counts.views, counts.saves), (1, 1, 1, 0));
    }
    assert_eq!((world.rows("engagement_edges").await, world.rows("impressions").await), (15, 5));
    world.assert_exact().await;
}
