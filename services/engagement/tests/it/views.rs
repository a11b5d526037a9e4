//! Impressions.

use std::collections::HashSet;
use std::time::Duration;

use engagement::{IMPRESSIONS_KEPT, Tally, VIEWS_MAX};
use kernel::{ContentId, ContentKind, UserId};
use schemas::engagement::{ContentViewed, Reaction, View, ViewBatch};

use crate::world::World;

async fn dwell(world: &World, user: UserId, content: ContentId) -> i64 {
    sqlx::query_scalar("SELECT dwell_ms FROM engagement_edges WHERE content = $1 AND what = 4 AND actor = $2")
        .bind(content.uuid())
        .bind(user)
        .fetch_one(world.db.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_person_counts_once_and_dwell_adds_up_over_impressions() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    let reel = world.publish(ada, ContentKind::Reel);
    world.look(ben, reel, "page-1", 400).await;
    for _ in 0..2 {
        world.look(ben, reel, "page-1", 900).await;
    }
    world.look(ben, reel, "page-1", 100).await;
    world.look(ben, reel, "page-2", 50).await;
    world.look(cleo, reel, "page-3", 0).await;
    assert_eq!(world.of(ben, reel).await.counts.views, 2);
    assert_eq!((dwell(&world, ben, reel).await, dwell(&world, cleo, reel).await), (950, 0));
    let told: Vec<ContentViewed> =
        world.events().await.into_iter().map(|(_, payload)| serde_json::from_value(payload).unwrap()).collect();
    let short: Vec<_> = told.iter().map(|it| (it.user, it.views[0].dwell_ms, it.views[0].first)).collect();
    assert_eq!(short, [(ben, 400, true), (ben, 900, false), (ben, 50, false), (cleo, 0, true)]);
    world.assert_exact().await;
}

#[tokio::test]
async fn what_a_person_has_seen_is_told_for_whoever_arranges_it() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    let [seen, liked, unseen] = std::array::from_fn(|_| world.publish(ada, ContentKind::Story));
    world.look(ben, seen, "page-1", 0).await;
    world.look(cleo, unseen, "page-2", 900).await;
    world.engagement.react(&world.ctx(ben), liked, Reaction::Like).await.unwrap();
    let tally = Tally::new(world.db.clone());
    let viewed = async |viewer, asked: &[ContentId]| tally.viewed(viewer, asked).await.unwrap();
    assert_eq!(viewed(ben, &[seen, liked, unseen]).await, HashSet::from([seen]), "to react is not to look");
    assert_eq!(viewed(cleo, &[seen, liked, unseen]).await, HashSet::from([unseen]));
    assert!(viewed(ben, &[]).await.is_empty() && viewed(ada, &[seen, unseen]).await.is_empty());
    // Once it is gone, nobody has seen it.
    world.deleted(seen).await;
    assert!(viewed(ben, &[seen]).await.is_empty());
}

#[tokio::test]
async fn a_batch_passes_over_what_is_hidden_gone_or_ones_own() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let seen: Vec<ContentId> = (0..VIEWS_MAX - 3).map(|_| world.publish(ada, ContentKind::Post)).collect();
    let (own, hidden, gone) = (
        world.publish(ben, ContentKind::Post),
        world.publish(ada, ContentKind::Post),
        world.publish(ada, ContentKind::Post),
    );
    world.hide(ben, hidden);
    world.withdraw(gone);
    let view = |content: &ContentId| View { content: *content, request: "r".to_owned(), position: None, dwell_ms: 7 };
    let views: Vec<View> = seen.iter().chain([&own, &hidden, &gone]).map(view).collect();
    assert_eq!(views.len(), VIEWS_MAX);
    for _ in 0..2 {
        world.engagement.view(&world.ctx(ben), ViewBatch { views: views.clone() }).await.unwrap();
    }
    assert_eq!(world.rows("impressions").await, seen.len() as i64);
    assert_eq!(world.events().await.len(), 1, "a repeated batch changes nothing");
    let counts = world.engagement.of(ben, &seen).await.unwrap();
    assert!(counts.values().all(|it| it.counts.views == 1));
    for content in [own, hidden, gone] {
        assert_eq!(world.of(ben, content).await.counts.views, 0);
    }
    world.assert_exact().await;
}

#[tokio::test]
async fn impressions_are_forgotten_and_views_stay() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let post = world.publish(ada, ContentKind::Post);
    world.look(ben, post, "old", 5).await;
    world.clock.advance(Duration::from_millis(1));
    world.look(ben, post, "new", 5).await;
    world.clock.advance(IMPRESSIONS_KEPT - Duration::from_millis(1));
    assert_eq!(world.engagement.sweep(world.clock.now()).await.unwrap(), 1);
    assert_eq!((world.rows("impressions").await, world.of(ben, post).await.counts.views), (1, 1));
    world.assert_exact().await;
}
