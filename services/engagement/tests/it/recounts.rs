//! The proof, and the repair.

use std::sync::Arc;

use engagement::What;
use kernel::ContentKind;
use schemas::engagement::Reaction;
use tokio::task::JoinSet;

use crate::world::World;

async fn damage(world: &World, content: kernel::ContentId, by: i64) {
    sqlx::query(
        "INSERT INTO engagement_counters AS c (content, what, value, slot, count) VALUES ($1, 1, 1, 0, $2)
         ON CONFLICT (content, what, value, slot) DO UPDATE SET count = c.count + $2",
    )
    .bind(content.uuid())
    .bind(by)
    .execute(world.db.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn a_recount_goes_through_everything_and_names_what_is_wrong() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    assert_eq!(world.recount(true).await.contents, 0);
    // More than go into one chunk.
    let made = sqlx::query(
        "WITH made AS (
             INSERT INTO engagement_edges (content, what, actor, kind, author, value, at)
             SELECT gen_random_uuid(), 1, gen_random_uuid(), 1, gen_random_uuid(), 1, now() FROM generate_series(1, 1203)
             RETURNING content
         )
         INSERT INTO engagement_counters (content, what, value, slot, count) SELECT content, 1, 1, 3, 1 FROM made",
    );
    made.execute(world.db.pool()).await.unwrap();
    let mut steps = Vec::new();
    let report = engagement::recount(&world.db, false, |report| steps.push(report.contents)).await.unwrap();
    assert_eq!((report.contents, report.counts, report.wrong), (1_203, 1_203, 0));
    assert!(steps.len() > 2 && steps.is_sorted(), "{steps:?}");

    let (post, never) = (world.publish(ada, ContentKind::Post), world.publish(ada, ContentKind::Post));
    world.engagement.react(&world.ctx(ben), post, Reaction::Like).await.unwrap();
    damage(&world, post, 4).await;
    damage(&world, never, -2).await;
    let report = world.recount(false).await;
    let found: Vec<_> =
        report.differences.iter().map(|it| (it.content, it.what, it.value, it.rows, it.counted)).collect();
    let mut wanted = [(post.uuid(), Some(What::Reaction), 1, 1, 5), (never.uuid(), Some(What::Reaction), 1, 0, -2)];
    wanted.sort_unstable_by_key(|it| it.0);
    assert_eq!(found, wanted);
    assert_eq!(world.recount(true).await.wrong, 2);
    world.assert_exact().await;
    assert_eq!(world.of(ben, post).await.counts.reactions[&Reaction::Like], 1);
}

#[tokio::test]
async fn a_repair_is_right_while_people_go_on() {
    let world = Arc::new(World::new().await);
    let post = world.publish(world.person(1), ContentKind::Post);
    let mut tasks = JoinSet::new();
    for number in 2..6 {
        let world = Arc::clone(&world);
        tasks.spawn(async move {
            let user = world.person(number);
            for _ in 0..15 {
                world.engagement.react(&world.ctx(user), post, Reaction::Like).await.unwrap();
                world.engagement.take_back(&world.ctx(user), post, What::Reaction).await.unwrap();
            }
            world.engagement.react(&world.ctx(user), post, Reaction::Like).await.unwrap();
        });
    }
    for by in [7, -3, 100, -50] {
        damage(&world, post, by).await;
        world.recount(true).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    world.assert_exact().await;
    assert_eq!(world.of(world.person(2), post).await.counts.reactions[&Reaction::Like], 4);
}
