//! What an inbox and a line keep at most.

use kernel::ContentKind;
use notifications::{ACTS_MAX, FORGET_BATCH, INBOX_MAX};
use serde_json::json;

use crate::world::{ADA, BEN, World, person};

#[tokio::test]
async fn the_oldest_lines_go_when_an_inbox_is_full() {
    let world = World::new().await;
    sqlx::query(
        "WITH made AS (
             INSERT INTO notifications (id, recipient, what, target, target_kind, day, acts, at)
             SELECT gen_random_uuid(), $1, 1, gen_random_uuid(), 1, 1, 1, to_timestamp(n) FROM generate_series(1, $2) n
             RETURNING id, at
         )
         INSERT INTO notification_acts (notification, actor, item, value, at)
         SELECT id, $3, '00000000-0000-0000-0000-000000000000', 1, at FROM made",
    )
    .bind(ADA)
    .bind(INBOX_MAX - 1)
    .bind(BEN)
    .execute(world.db.pool())
    .await
    .unwrap();
    for _ in 0..2 {
        world.likes(BEN, world.publish(ADA, ContentKind::Post, "Tea")).await;
        assert_eq!(world.kept().await, (INBOX_MAX, INBOX_MAX));
    }
    let oldest: f64 = sqlx::query_scalar("SELECT min(extract(epoch FROM at))::float8 FROM notifications")
        .fetch_one(world.db.pool())
        .await
        .unwrap();
    assert!((oldest - 2.0).abs() < 0.5, "{oldest}");
}

#[tokio::test]
async fn a_full_line_moves_up_without_growing() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    world.likes(BEN, post).await;
    sqlx::query(
        "INSERT INTO notification_acts (notification, actor, item, value, at)
         SELECT id, gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 1, to_timestamp(n)
         FROM notifications, generate_series(1, $1) n",
    )
    .bind(ACTS_MAX - 2)
    .execute(world.db.pool())
    .await
    .unwrap();
    sqlx::query("UPDATE notifications SET acts = $1").bind(ACTS_MAX - 1).execute(world.db.pool()).await.unwrap();
    for (number, kept) in [(100, ACTS_MAX), (101, ACTS_MAX)] {
        let before = world.lines(ADA).await[0].at;
        world.likes(person(number), post).await;
        let line = world.lines(ADA).await.remove(0);
        assert!(line.at > before);
        assert_eq!(world.kept().await, (1, i64::from(kept)));
        assert_eq!(line.others as usize + line.people.len(), kept as usize);
    }
}

/// Lines of ada's about one post, each with some acts of ben's and others.
async fn fill(world: &World, post: kernel::ContentId, lines: i64) {
    sqlx::query(
        "WITH made AS (
             INSERT INTO notifications (id, recipient, what, target, target_kind, day, acts, at)
             SELECT gen_random_uuid(), $1, 1, $2, 1, n, 3, to_timestamp(n) FROM generate_series(1, $3) n RETURNING id, at
         )
         INSERT INTO notification_acts (notification, actor, item, value, at)
         SELECT id, who, '00000000-0000-0000-0000-000000000000', 1, at
         FROM made, unnest(ARRAY[$4, gen_random_uuid(), gen_random_uuid()]) who",
    )
    .bind(ADA)
    .bind(post.uuid())
    .bind(lines)
    .bind(BEN)
    .execute(world.db.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn much_goes_in_batches_and_numbers_stay_right() {
    let world = World::new().await;
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    let lines = 2 * FORGET_BATCH + 1;
    fill(&world, post, lines).await;
    world.tell("account.deleted", json!({ "user": BEN })).await.unwrap();
    assert_eq!(world.kept().await, (lines, 2 * lines));
    assert_eq!(notifications::recount(&world.db, false, |_| {}).await.unwrap().wrong, 0);
    world.tell("content.deleted", json!({ "content": post })).await.unwrap();
    assert_eq!(world.kept().await, (0, 0));
    fill(&world, post, lines).await;
    world.tell("account.deleted", json!({ "user": ADA })).await.unwrap();
    assert_eq!(world.kept().await, (0, 0));
}

#[tokio::test]
async fn a_recount_finds_lines_that_are_wrong_and_repairs_them() {
    let world = World::new().await;
    let recount = async |repair| notifications::recount(&world.db, repair, |_| {}).await.unwrap();
    assert_eq!(recount(true).await.lines, 0);
    let post = world.publish(ADA, ContentKind::Post, "Tea");
    // More than go into one chunk.
    fill(&world, post, 1_203).await;
    let mut steps = Vec::new();
    notifications::recount(&world.db, false, |report| steps.push(report.lines)).await.unwrap();
    assert_eq!(steps, [1_000, 1_203]);
    for damage in [
        "UPDATE notifications SET acts = 7 WHERE day IN (3, 1200)",
        "DELETE FROM notification_acts WHERE notification = (SELECT id FROM notifications WHERE day = 4)",
    ] {
        sqlx::query(damage).execute(world.db.pool()).await.unwrap();
    }
    assert_eq!((recount(false).await.wrong, recount(true).await.wrong, recount(false).await.wrong), (3, 3, 0));
    assert_eq!(world.kept().await, (1_202, 3 * 1_202), "a line that nobody is in is none");
}
