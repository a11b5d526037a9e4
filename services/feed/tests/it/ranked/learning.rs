//! What is remembered and learned from what people do, and what is forgotten.

use feed::ranked::WAIT;
use kernel::{ContentKind, PageSize};
use schemas::content::Audience;
use schemas::feed::Why;
use serde_json::json;

use super::{Theatre, ids};

/// Has a model serve that has proved itself: the one that was learned, or these bytes.
async fn serve(theatre: &Theatre, model: Option<&str>) {
    sqlx::query(
        "INSERT INTO feed_models (schema, model, examples, surprise, hand_surprise, judged, serves, made_at)
         SELECT schema, coalesce($1::bytea, model), examples, 1, 2, 5000, true, made_at FROM feed_models LIMIT 1",
    )
    .bind(model.map(str::as_bytes))
    .execute(theatre.world.db.pool())
    .await
    .unwrap();
    theatre.models.refresh().await.unwrap();
}

#[tokio::test]
async fn it_learns_from_what_was_looked_at_once_and_swaps_models_live() {
    let (theatre, [viewer]) = Theatre::with_people().await;
    let tagged = theatre.tagged(theatre.world.person(), "tea").await;
    theatre.posts(5, 1).await;
    let page = ids(&theatre.page(viewer, None, 20).await);
    assert_eq!(page.len(), 6);
    // Looked at the first four and the tagged one, reacted to that.
    let place = page.iter().position(|id| *id == tagged).unwrap();
    theatre.view(viewer, &page[..page.len() - 2], 5_000).await;
    theatre.engage(viewer, tagged, "reaction", true).await;
    theatre.engage(viewer, tagged, "reaction", true).await;
    theatre.drain().await;
    assert_eq!(
        theatre.count("SELECT acts FROM feed_items ORDER BY acts DESC LIMIT 1").await,
        1,
        "a repeat counts once"
    );
    let now = || theatre.world.now();
    assert_eq!(theatre.learner.learn(now()).await.unwrap(), 0, "what came of it is not known yet");
    theatre.world.clock.advance(WAIT);
    assert_eq!(theatre.learner.learn(now()).await.unwrap(), 6);
    assert_eq!(theatre.learner.learn(now()).await.unwrap(), 0);
    let seen = (page.len() - 2).max(place + 1) as i64;
    assert_eq!(theatre.count("SELECT examples FROM feed_models").await, seen, "what lay below teaches nothing");
    assert_eq!(theatre.count("SELECT count(*) FROM feed_served").await, 0);
    assert_eq!(theatre.count("SELECT count(*) FROM feed_profiles").await, 1);
    assert_eq!(theatre.count("SELECT count(*) FROM feed_tallies").await, 2 * seen);
    // Few examples are no reason to trust it.
    theatre.models.refresh().await.unwrap();
    assert_eq!(theatre.models.serving(), 0);
    serve(&theatre, None).await;
    let version = theatre.models.serving();
    assert!(version > 0);
    // Others of its hashtag are found for it, and pages go on under the new version.
    let more = theatre.tagged(theatre.world.person(), "tea").await;
    theatre.drain().await;
    let page = theatre.page(viewer, None, 20).await;
    let why = page.items.iter().find(|item| item.content.id == more).map(|item| item.why.clone());
    assert_eq!(why, Some(Why::Topic { hashtag: "tea".to_owned() }));
    assert_eq!(theatre.count("SELECT max(model) FROM feed_served").await, version);
    // One that cannot be read leaves things as they are.
    serve(&theatre, Some("x")).await;
    assert_eq!(theatre.models.serving(), version);
}

#[tokio::test]
async fn what_is_not_public_any_more_is_not_recommended() {
    let (theatre, [ada, ben]) = Theatre::with_people().await;
    let (first, second) = (theatre.world.post(ada).await, theatre.world.post(ada).await);
    theatre.world.post(ben).await;
    theatre.drain().await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_items").await, 3);
    theatre.world.delete(ada, first).await;
    let edit = schemas::content::ContentEdit { audience: Some(Audience::Followers), ..Default::default() };
    theatre.world.content.edit(&theatre.world.ctx(ada), second, edit).await.unwrap();
    theatre.drain().await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_items").await, 1);
    let private = json!({ "user": ben, "private": true });
    theatre.world.tell_of("account.updated", ben.to_string(), private).await;
    theatre.drain().await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_items").await, 0);
    theatre.view(ada, &[second], 100).await;
    theatre.drain().await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_seen").await, 1);
    theatre.leave(ada).await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_seen").await, 0);
}

#[tokio::test]
async fn a_tray_has_those_first_among_the_unseen_of_whom_the_viewer_likes_to_see_more() {
    let (theatre, [viewer, ada, ben, cleo]) = Theatre::with_people().await;
    let world = &theatre.world;
    for author in [ada, ben, cleo] {
        world.follow(viewer, author).await;
        world.publish(author, ContentKind::Story).await;
    }
    let people = || async {
        let tray = world.feed.stories(&world.ctx(viewer), PageSize::DEFAULT).await.unwrap();
        tray.items.into_iter().map(|entry| entry.person.id).collect::<Vec<_>>()
    };
    assert_eq!(people().await, [cleo, ben, ada], "who told last");
    let mut profile = rank::Profile::default();
    for _ in 0..5 {
        let liked = rank::Actions::default().with(rank::Action::React);
        profile.observe(ada, &[], ContentKind::Post, liked, world.now());
        profile.observe(cleo, &[], ContentKind::Post, rank::Actions::default(), world.now());
    }
    sqlx::query("INSERT INTO feed_profiles (viewer, profile) VALUES ($1, $2)")
        .bind(viewer)
        .bind(sqlx::types::Json(profile))
        .execute(world.db.pool())
        .await
        .unwrap();
    assert_eq!(people().await, [ada, ben, cleo]);
    theatre.sql("ALTER TABLE feed_profiles RENAME TO feed_profiles_away").await;
    assert_eq!(people().await, [cleo, ben, ada], "without an answer, by time alone");
}
