//! Reacting, saving, sharing: once each, told once each.

use engagement::{Error, SLOTS, What};
use kernel::ContentKind;
use schemas::engagement::{EngagementChanged, Reaction};

use crate::world::World;

#[tokio::test]
async fn every_kind_of_content_is_reacted_to_saved_and_shared_once() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    for kind in ContentKind::ALL.iter().copied() {
        let content = world.publish(ada, kind);
        for _ in 0..2 {
            for user in [ben, cleo] {
                world.engagement.react(&world.ctx(user), content, Reaction::Like).await.unwrap();
                world.engagement.save(&world.ctx(user), content).await.unwrap();
                world.engagement.share(&world.ctx(user), content, None).await.unwrap();
            }
        }
        let told = world.engagement.react(&world.ctx(cleo), content, Reaction::Love).await.unwrap();
        assert_eq!(told, world.of(cleo, content).await);
        let counts = &told.counts;
        assert_eq!(
            counts.reactions.iter().map(|(it, n)| (*it, *n)).collect::<Vec<_>>(),
            [(Reaction::Like, 1), (Reaction::Love, 1)]
        );
        assert_eq!((counts.saves, counts.shares, counts.views, counts.comments), (2, 2, 0, 0));
        assert_eq!((told.mine.reaction, told.mine.saved, told.mine.shared), (Some(Reaction::Love), true, true));
        assert_eq!(world.of(ada, content).await.mine, schemas::engagement::Mine::default());
        for what in [What::Reaction, What::Save, What::Share] {
            for _ in 0..2 {
                world.engagement.take_back(&world.ctx(cleo), content, what).await.unwrap();
            }
        }
        let left = world.of(cleo, content).await;
        assert_eq!(left.counts.reactions.len(), 1, "{kind}: nobody loves it, so love is left out");
        assert_eq!((left.counts.saves, left.counts.shares), (1, 1));
        assert_eq!(left.mine, schemas::engagement::Mine::default());
    }
    world.assert_exact().await;
}

#[tokio::test]
async fn each_change_is_told_once_and_repeats_are_not() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let content = world.publish(ada, ContentKind::Reel);
    for reaction in [Reaction::Like, Reaction::Like, Reaction::Wow] {
        world.engagement.react(&world.ctx(ben), content, reaction).await.unwrap();
    }
    for text in [None, Some("Look!"), Some("Look!")] {
        world.engagement.share(&world.ctx(ben), content, text).await.unwrap();
    }
    for _ in 0..2 {
        world.engagement.take_back(&world.ctx(ben), content, What::Reaction).await.unwrap();
    }
    let told: Vec<EngagementChanged> = world
        .events()
        .await
        .into_iter()
        .map(|(kind, payload)| {
            assert_eq!(kind, "engagement.changed");
            serde_json::from_value(payload).unwrap()
        })
        .collect();
    assert!(told.iter().all(|it| it.content == content && it.author == ada && it.user == ben));
    let short: Vec<_> = told.iter().map(|it| (it.what, it.before, it.value, it.on)).collect();
    use schemas::engagement::What::{Reaction as React, Share};
    assert_eq!(
        short,
        [
            (React, None, Some(Reaction::Like), true),
            (React, Some(Reaction::Like), Some(Reaction::Wow), true),
            (Share, None, None, true),
            (Share, None, None, true),
            (React, None, Some(Reaction::Wow), false),
        ]
    );
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there_and_taking_back_always_works() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    let content = world.publish(ada, ContentKind::Post);
    world.engagement.react(&world.ctx(ben), content, Reaction::Sad).await.unwrap();
    world.block(ada, ben);
    world.hide(cleo, content);
    for user in [ben, cleo] {
        let ctx = world.ctx(user);
        assert!(matches!(world.engagement.react(&ctx, content, Reaction::Like).await, Err(Error::NotFound)));
        assert!(matches!(world.engagement.save(&ctx, content).await, Err(Error::NotFound)));
        assert!(matches!(world.engagement.share(&ctx, content, None).await, Err(Error::NotFound)));
        assert!(matches!(
            world.engagement.reactions(&ctx, content, None, None, Default::default()).await,
            Err(Error::NotFound)
        ));
        world.engagement.take_back(&ctx, content, What::Reaction).await.unwrap();
    }
    assert!(world.of(ada, content).await.counts.reactions.is_empty());
    world.neighbours_away();
    let failed = world.engagement.react(&world.ctx(ada), content, Reaction::Like).await;
    assert!(matches!(failed, Err(Error::Neighbour(_))), "what is uncertain is closed");
}

#[tokio::test]
async fn a_page_is_one_round_trip_and_content_that_nobody_touched_counts_nothing() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let page: Vec<_> = (0..100).map(|_| world.publish(ada, ContentKind::Post)).collect();
    for content in &page[..3] {
        world.engagement.react(&world.ctx(ben), *content, Reaction::Laugh).await.unwrap();
    }
    let found = world.engagement.of(ben, &page).await.unwrap();
    assert_eq!(found.len(), page.len());
    assert_eq!(found.values().filter(|it| it.mine.reaction == Some(Reaction::Laugh)).count(), 3);
    assert!(world.engagement.of(ben, &[]).await.unwrap().is_empty());
    assert!(world.rows("engagement_counters").await <= 3 * i64::from(SLOTS));
}
