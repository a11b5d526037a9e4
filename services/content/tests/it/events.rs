//! What consumers are told.

use content::Undertaker;
use kernel::{Clock, PageSize};
use postgres::outbox::{Consumer as _, Delivery};
use schemas::content::{Audience, ContentCreated, ContentDeleted, ContentEdit, ContentEdited};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn each_change_is_told_once_with_what_consumers_need() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "@ben @ben #a #b #A").await;
    let edit =
        ContentEdit { text: Some("#c".to_owned()), audience: Some(Audience::Followers), ..ContentEdit::default() };
    let edited = world.contents.edit(&world.ctx(ada), post.id, edit).await.unwrap();
    world.contents.delete(&world.ctx(ada), post.id).await.unwrap();

    let events = world.events().await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["content.created", "content.edited", "content.deleted"]);
    let created: ContentCreated = serde_json::from_value(events[0].1.clone()).unwrap();
    assert_eq!((created.content, created.author, created.mentions), (post.id, ada, vec![ben]));
    assert_eq!(created.hashtags, ["a", "b"]);
    let told: ContentEdited = serde_json::from_value(events[1].1.clone()).unwrap();
    assert_eq!((told.version, Some(told.edited_at), told.audience), (2, edited.edited_at, Audience::Followers));
    let deleted: ContentDeleted = serde_json::from_value(events[2].1.clone()).unwrap();
    assert_eq!((deleted.content, deleted.author), (post.id, ada));
    assert!(events.iter().all(|(_, payload)| payload.get("text").is_none()), "no text leaves with an event");
}

#[tokio::test]
async fn a_refused_change_is_not_told() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "Mine").await;
    assert!(world.contents.delete(&world.ctx(ben), post.id).await.is_err());
    assert!(
        world
            .contents
            .edit(&world.ctx(ada), post.id, ContentEdit { text: Some(String::new()), ..ContentEdit::default() })
            .await
            .is_err()
    );
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn the_posts_of_a_deleted_account_are_deleted() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    for n in 0..3 {
        world.post(ada, &format!("Post {n} #tea")).await;
    }
    world.post(ben, "Stays #tea").await;
    let undertaker = Undertaker { content: world.contents.clone(), clock: Clock::manual(world.now()) };
    assert!(undertaker.wants("account.deleted") && !undertaker.wants("account.updated"));
    let event = Delivery {
        id: kernel::EventId::new(world.now()),
        kind: "account.deleted".to_owned(),
        key: ada.to_string(),
        payload: json!({ "user": ada, "handle": "ada", "name": "Ada", "private": false }),
        trace: None,
        created_at: world.now(),
        tries: 0,
    };
    for _ in 0..2 {
        undertaker.consume(&event).await.unwrap();
    }
    let left = world.contents.by_hashtag(&world.ctx(ben), "tea", None, PageSize::DEFAULT).await.unwrap();
    assert_eq!(left.items.len(), 1);
    let deleted = world.events().await.iter().filter(|(kind, _)| kind == "content.deleted").count();
    assert_eq!(deleted, 3);
}
