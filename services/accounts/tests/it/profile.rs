use std::sync::Arc;

use accounts::{Error, Relations, View};
use schemas::accounts::AccountPatch;
use schemas::graph::{Counts, Relation};

use crate::stage::Stage;

#[tokio::test]
async fn a_patch_changes_what_it_names_and_tells_the_other_devices() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let mut ear = stage.listen(ada.account.id).await;
    stage.clock.advance(std::time::Duration::from_secs(1));
    let ctx = stage.ctx(&ada);
    let patch = AccountPatch { name: Some(" Ada L. ".to_owned()), ..AccountPatch::default() };
    let after = stage.service.update(&ctx, patch).await.unwrap();
    assert_eq!((after.name.as_str(), after.private, after.updated_at), ("Ada L.", false, ctx.now));
    assert_eq!(stage.service.me(&ctx).await.unwrap(), after);
    assert_eq!(ear.next().await.1["account"]["name"], "Ada L.");

    let patch = AccountPatch { private: Some(true), bio: Some("Notes.".to_owned()), ..AccountPatch::default() };
    let after = stage.service.update(&ctx, patch).await.unwrap();
    assert_eq!((after.name.as_str(), after.bio.as_str(), after.private), ("Ada L.", "Notes.", true));
    stage.service.update(&ctx, AccountPatch::default()).await.unwrap();
    assert_eq!(stage.outbox().await, ["account.created", "account.updated", "account.updated"]);
}

#[tokio::test]
async fn people_are_found_by_id_and_by_handle_unless_they_block() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let ben = stage.register("ben").await;
    let relations: Arc<dyn Relations> = stage.relations.clone();
    let relation = Relation { followed_by: true, ..Relation::default() };
    let view = View { counts: Counts { followers: 3, following: 1 }, relation };
    stage.relations.0.lock().insert((ada.account.id, ben.account.id), Some(view));
    let ctx = stage.ctx(&ada);
    for who in [ben.account.id.to_string(), "BEN".to_owned()] {
        let seen = stage.service.person(&ctx, &who, &relations).await.unwrap();
        assert_eq!((seen.id, seen.counts, seen.relation), (ben.account.id, view.counts, Some(relation)));
    }
    assert_eq!(stage.service.person(&ctx, "ada", &relations).await.unwrap().relation, None);

    stage.relations.0.lock().insert((ada.account.id, ben.account.id), None);
    for who in ["ben", "nobody_at_all", "no handle", ""] {
        let seen = stage.service.person(&ctx, who, &relations).await;
        assert!(matches!(seen, Err(Error::PersonNotFound)), "{who}");
    }
}

#[tokio::test]
async fn others_ask_in_batches() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await.account;
    let ben = stage.register("ben").await.account;
    let people = stage.service.summaries(&[ada.id, ben.id, kernel::UserId::new(stage.clock.now())]).await.unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!((people[&ben.id].handle.as_str(), people[&ben.id].private), ("ben", false));
    let ids = stage.service.ids_of(&["Ada", "ben", "cleo", "ben", "!"]).await.unwrap();
    assert_eq!(ids.len(), 2);
    assert_eq!((ids["ada"], ids["ben"]), (ada.id, ben.id));
    assert!(stage.service.summaries(&[]).await.unwrap().is_empty());
}
