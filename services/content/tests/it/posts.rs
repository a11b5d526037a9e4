//! One post: written, read, edited, deleted.

use content::Error;
use kernel::{ContentId, ContentKind, ErrorKind, Fail as _};
use schemas::content::{Audience, ContentEdit, PlaceGiven, PostCreate};

use crate::world::World;

fn text(text: &str) -> ContentEdit {
    ContentEdit { text: Some(text.to_owned()), ..ContentEdit::default() }
}

#[tokio::test]
async fn a_post_is_read_as_it_was_written() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, " Tea with @Ben? #Plaza\r\n#plaza ").await;
    assert_eq!(post.text, "Tea with @Ben? #Plaza\n#plaza");
    assert_eq!(
        (post.kind, post.audience, post.version, post.edited_at),
        (ContentKind::Post, Audience::Public, 1, None)
    );
    assert_eq!(post.author.handle, "ada");
    let mentions: Vec<_> = post.mentions.iter().map(|m| (m.user, m.start, m.end)).collect();
    assert_eq!(mentions, [(ben, 9, 13)]);
    let hashtags: Vec<_> = post.hashtags.iter().map(|h| (h.tag.as_str(), h.start, h.end)).collect();
    assert_eq!(hashtags, [("plaza", 15, 21), ("plaza", 22, 28)]);
    assert_eq!(world.contents.read(&world.ctx(ben), post.id).await.unwrap(), post);
}

#[tokio::test]
async fn an_edit_counts_and_says_when() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "Tea at noon #tea").await;
    let ctx = world.ctx(ada);
    let edited = world.contents.edit(&ctx, post.id, text("Tea at one with @ben")).await.unwrap();
    assert_eq!((edited.version, edited.edited_at, edited.created_at), (2, Some(ctx.now), post.created_at));
    assert_eq!((edited.hashtags.len(), edited.mentions[0].user), (0, ben));
    let narrowed = ContentEdit { audience: Some(Audience::Followers), ..ContentEdit::default() };
    let edited = world.contents.edit(&world.ctx(ada), post.id, narrowed).await.unwrap();
    assert_eq!((edited.version, edited.text.as_str()), (3, "Tea at one with @ben"));
    assert_eq!(world.contents.read(&world.ctx(ada), post.id).await.unwrap(), edited);
    assert!(!world.sees(ben, post.id).await, "ben does not follow");

    let nothing = ContentEdit::default();
    assert!(matches!(world.contents.edit(&world.ctx(ada), post.id, nothing).await, Err(Error::NothingToEdit)));
    let error = world.contents.edit(&world.ctx(ada), post.id, text(" ")).await.unwrap_err();
    assert_eq!((error.code(), error.pointer().as_deref()), ("text_empty", Some("/text")));
}

#[tokio::test]
async fn a_deleted_post_is_gone_for_everybody_and_leaves_nothing_behind() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "Not for long #tea").await;
    world.contents.delete(&world.ctx(ada), post.id).await.unwrap();
    assert!(!world.sees(ada, post.id).await && !world.sees(ben, post.id).await);
    assert!(matches!(world.contents.delete(&world.ctx(ada), post.id).await, Err(Error::NotFound)));
    assert!(matches!(world.contents.edit(&world.ctx(ada), post.id, text("x")).await, Err(Error::NotFound)));
    let left: (String, serde_json::Value, i64) = sqlx::query_as(
        "SELECT text, hashtags, (SELECT count(*) FROM content_hashtags) FROM contents WHERE deleted_at IS NOT NULL",
    )
    .fetch_one(world.db.pool())
    .await
    .unwrap();
    assert_eq!(left, (String::new(), serde_json::json!([]), 0));
}

#[tokio::test]
async fn only_its_author_changes_a_post_and_only_readers_learn_that_it_exists() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    world.block(ada, cleo);
    let post = world.post(ada, "Mine").await;
    for (who, code) in [(ben, "not_your_content"), (cleo, "content_not_found")] {
        let edit = world.contents.edit(&world.ctx(who), post.id, text("Yours")).await.unwrap_err();
        let delete = world.contents.delete(&world.ctx(who), post.id).await.unwrap_err();
        assert_eq!((edit.code(), delete.code()), (code, code));
    }
    let unknown =
        world.contents.read(&world.ctx(ada), ContentId::new(ContentKind::Post, world.now())).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert_eq!(world.contents.read(&world.ctx(ada), post.id).await.unwrap(), post);
}

#[tokio::test]
async fn audience_private_accounts_and_blocks_decide_at_each_read() {
    let world = World::new().await;
    let [ada, ben, cleo, dana] = world.people(["ada", "ben", "cleo", "dana"]);
    world.follow(ben, ada);
    let open = world.post(ada, "For all").await.id;
    let close = world.post_to(ada, "For followers", Audience::Followers).await.id;
    let seen = async |who| (world.sees(who, open).await, world.sees(who, close).await);
    assert_eq!(seen(ada).await, (true, true));
    assert_eq!(seen(ben).await, (true, true));
    assert_eq!(seen(cleo).await, (true, false));
    world.block(dana, ada);
    assert_eq!(seen(dana).await, (false, false));
    world.private(ada);
    assert_eq!(seen(cleo).await, (false, false));
    assert_eq!(seen(ben).await, (true, true));
    world.block(ada, ben);
    assert_eq!(seen(ben).await, (false, false));
    world.gone(ada);
    assert_eq!(seen(cleo).await, (false, false));
}

#[tokio::test]
async fn when_neighbours_do_not_answer_nothing_is_shown_and_nothing_written() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "For all").await;
    world.neighbours_away();
    let error = world.contents.read(&world.ctx(ben), post.id).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "store_unavailable"));
    let input = PostCreate { text: "More".to_owned(), ..PostCreate::default() };
    assert!(world.contents.create(&world.ctx(ada), input.into()).await.is_err());
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn mentions_name_people_whom_no_block_parts_from_the_author() {
    let world = World::new().await;
    let [ada, ben, cleo, dana] = world.people(["ada", "ben", "cleo", "dana"]);
    world.block(ada, ben);
    world.block(cleo, ada);
    let post = world.post(ada, "@ada @ben @cleo @dana @nobody @dana").await;
    let mentioned: Vec<_> = post.mentions.iter().map(|m| m.user).collect();
    assert_eq!(mentioned, [ada, dana, dana]);
}

#[tokio::test]
async fn a_post_has_a_place_until_an_edit_moves_or_removes_it() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let at =
        |latitude, longitude, name: Option<&str>| PlaceGiven { latitude, longitude, name: name.map(str::to_owned) };
    let input = PostCreate {
        text: "Tea here".to_owned(),
        place: Some(at(52.520_008, 13.404_954, Some(" Alexanderplatz "))),
        ..PostCreate::default()
    };
    let post = world.contents.create(&world.ctx(ada), input.clone().into()).await.unwrap();
    let place = post.place.clone().unwrap();
    assert_eq!((place.latitude, place.longitude), (52.520_008, 13.404_954));
    assert_eq!(place.name.as_deref(), Some("Alexanderplatz"));
    assert_eq!(world.contents.read(&world.ctx(ben), post.id).await.unwrap(), post);

    let edit = async |edit: ContentEdit| world.contents.edit(&world.ctx(ada), post.id, edit).await;
    let kept = edit(text("Coffee here")).await.unwrap();
    assert_eq!(kept.place, post.place, "an edit of the text leaves the place");
    let moved = ContentEdit { place: Some(at(-90.0, 180.0, None)), ..ContentEdit::default() };
    let moved = edit(moved).await.unwrap();
    assert_eq!((moved.version, moved.place.as_ref().map(|it| it.latitude)), (3, Some(-90.0)));
    assert_eq!(world.contents.read(&world.ctx(ben), post.id).await.unwrap(), moved);
    let removed = edit(ContentEdit { remove_place: Some(true), ..ContentEdit::default() }).await.unwrap();
    assert_eq!(removed.place, None);
    assert_eq!(world.contents.read(&world.ctx(ben), post.id).await.unwrap(), removed);

    for (place, code, pointer) in [
        (at(90.1, 0.0, None), "invalid_place", "/place"),
        (at(0.0, 180.1, None), "invalid_place", "/place"),
        (at(0.0, 0.0, Some(" ")), "invalid_place_name", "/place/name"),
    ] {
        let input = PostCreate { place: Some(place.clone()), ..input.clone() };
        let error = world.contents.create(&world.ctx(ada), input.into()).await.unwrap_err();
        assert_eq!((error.code(), error.pointer().as_deref()), (code, Some(pointer)));
        let error = edit(ContentEdit { place: Some(place), ..ContentEdit::default() }).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    let both = ContentEdit { place: Some(at(0.0, 0.0, None)), remove_place: Some(true), ..ContentEdit::default() };
    assert_eq!(edit(both).await.unwrap_err().code(), "invalid_place");

    edit(ContentEdit { place: Some(at(1.0, 2.0, Some("Here"))), ..ContentEdit::default() }).await.unwrap();
    world.contents.delete(&world.ctx(ada), post.id).await.unwrap();
    let left: (Option<f64>, Option<f64>, Option<String>) =
        sqlx::query_as("SELECT latitude, longitude, place_name FROM contents")
            .fetch_one(world.db.pool())
            .await
            .unwrap();
    assert_eq!(left, (None, None, None), "a tombstone tells no place");
}
