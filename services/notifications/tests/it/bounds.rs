//! What an inbox and a line keep at most.

use kernel::ContentKind;
use notifications::{ACTS_MAX, INBOX_MAX};

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
