//! Every audience, read by everybody, of every kind.

use std::time::Duration;

use content::kinds::STORY_LIFETIME;
use kernel::{ContentKind, PageSize};
use schemas::content::{Audience, PostCreate, StoryCreate};

use crate::world::World;

#[tokio::test]
async fn each_audience_is_who_it_says_at_each_read() {
    let world = World::new().await;
    let [ada, ben, cleo, dana] = world.people(["ada", "ben", "cleo", "dana"]);
    world.follow(ben, ada);
    world.close_friend(ada, cleo, true);
    let mut posts = Vec::new();
    for audience in Audience::ALL {
        posts.push(world.post_to(ada, "Words", audience).await.id);
    }
    let seen = async |reader| {
        let visible = world.contents.visible(reader, &posts).await.unwrap().contents;
        let page = world.contents.by_author(&world.ctx(reader), "ada", None, None, PageSize::DEFAULT).await.unwrap();
        assert_eq!(page.items.len(), visible.len(), "a list shows the same");
        visible.into_iter().map(|content| content.audience).collect::<Vec<_>>()
    };
    use Audience::{CloseFriends, Followers, Public};
    assert_eq!(seen(ada).await, Audience::ALL);
    assert_eq!(seen(ben).await, [Public, Followers]);
    assert_eq!(seen(cleo).await, [Public, CloseFriends], "close friends need not follow");
    assert_eq!(seen(dana).await, [Public]);
    world.private(ada);
    assert_eq!((seen(cleo).await, seen(dana).await), (vec![CloseFriends], vec![]));
    world.close_friend(ada, cleo, false);
    assert_eq!(seen(cleo).await, []);
}

#[tokio::test]
async fn what_a_private_account_calls_public_gets_no_public_addresses() {
    let world = World::new().await;
    let [ada] = world.people(["ada"]);
    let wish = PostCreate { text: "Look".to_owned(), media: vec![world.picture(ada)], ..PostCreate::default() };
    let post = world.contents.create(&world.ctx(ada), wish.clone().into()).await.unwrap();
    assert!(world.sees(ada, post.id).await);
    assert_eq!(world.attached_for(), [Audience::Public]);
    world.private(ada);
    assert!(world.sees(ada, post.id).await);
    assert_eq!(world.attached_for(), [Audience::Followers]);
    world.contents.create(&world.ctx(ada), wish.into()).await.unwrap();
    assert_eq!(world.attached_for(), [Audience::Followers], "in the answer to its author too");
}

#[tokio::test]
async fn a_story_is_gone_at_its_moment_and_buried_after_it() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let wish = StoryCreate { media: world.picture(ada), text: Some("Soon gone".to_owned()), audience: None };
    let story = world.contents.create(&world.ctx(ada), wish.into()).await.unwrap();
    let comment = world.comment(ben, story.id, "Lovely").await.id;
    let end = story.expires_at.unwrap();
    assert_eq!(end, story.created_at.plus(STORY_LIFETIME));
    let listed = async || {
        let kind = Some(ContentKind::Story);
        world.contents.by_author(&world.ctx(ben), "ada", kind, None, PageSize::DEFAULT).await.unwrap().items.len()
    };

    world.clock.advance(end.since(world.clock.now()) - Duration::from_millis(10));
    assert!(world.sees(ben, story.id).await && listed().await == 1);
    assert_eq!(world.contents.expire_once().await.unwrap(), 0, "not too early");
    world.clock.advance(end.since(world.clock.now()));
    assert!(!world.sees(ada, story.id).await && !world.sees(ben, comment).await && listed().await == 0);
    let gone = world.contents.visible(ben, &[story.id, comment]).await.unwrap().gone;
    assert_eq!(gone, [story.id, comment]);
    assert!(world.contents.delete(&world.ctx(ada), story.id).await.is_err());

    assert_eq!(world.contents.expire_once().await.unwrap(), 1);
    assert_eq!(world.contents.expire_once().await.unwrap(), 0, "once");
    let (kind, event) = world.events().await.pop().unwrap();
    assert_eq!((kind.as_str(), &event["content"]), ("content.expired", &serde_json::json!(story.id)));
    world.follow_events().await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM contents WHERE deleted_at IS NULL OR text <> ''")
        .fetch_one(world.db.pool())
        .await
        .unwrap();
    assert_eq!(left, 0, "nothing of it is left, nor of what was said about it");
}

#[tokio::test]
async fn without_numbers_content_is_shown_all_the_same() {
    let world = World::new().await;
    let ada = world.person("ada");
    let post = world.post(ada, "Words").await;
    let counted = world.contents.read(&world.ctx(ada), post.id).await.unwrap();
    assert_eq!(counted.engagement.map(|it| it.counts.views), Some(7));
    world.engagement_away();
    let shown = world.contents.read(&world.ctx(ada), post.id).await.unwrap();
    assert_eq!((shown.text.as_str(), shown.engagement), ("Words", None));
    world.media_away();
    let media = vec![world.picture(ada)];
    let refused = PostCreate { text: "Look".to_owned(), media, ..PostCreate::default() };
    assert!(world.contents.create(&world.ctx(ada), refused.into()).await.is_err());
}
