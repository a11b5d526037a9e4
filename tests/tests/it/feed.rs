//! Posts, and the feed of those whom one follows.

use kernel::ContentId;
use schemas::content::{Audience, Content, ContentEdit, PostCreate};
use schemas::feed::{FeedChoice, FeedPreferences, FeedPreferencesGiven};
use system_tests::wait::{SOON, until};
use system_tests::{Deployment, Person};

crate::on_both_stores![
    a_post_reaches_those_who_follow_and_nobody_else,
    followers_only_means_followers_only,
    an_edit_shows_and_a_deletion_takes_effect,
    following_brings_earlier_posts_and_unfollowing_takes_them,
    a_block_empties_both_feeds_of_each_other,
    pages_neither_repeat_nor_skip_while_others_post,
    the_feed_that_was_chosen_is_there_on_every_device,
];

async fn say(person: &Person, text: &str) -> Content {
    let post = PostCreate { text: text.to_owned(), ..PostCreate::default() };
    person.session.publish(post).await.unwrap()
}

async fn feed(person: &Person) -> Vec<ContentId> {
    person.session.feed(None, 100).await.unwrap().items.into_iter().map(|item| item.content.id).collect()
}

/// Waits until a person's feed is exactly `wanted`: fan-out follows a post soon, not at once.
async fn feed_becomes(person: &Person, wanted: &[ContentId]) {
    let mut last = Vec::new();
    let came = system_tests::wait::within(SOON, async || {
        last = feed(person).await;
        (last == wanted).then_some(())
    });
    assert!(came.await.is_some(), "the feed of {} is {last:?}, not {wanted:?}", person.session.me().handle);
}

async fn a_post_reaches_those_who_follow_and_nobody_else(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    ben.session.follow(ada.id()).await.unwrap();
    let first = say(&ada, "The engine weaves #algebra").await;
    let second = say(&ada, &format!("as @{} saw", ben.session.me().handle)).await;
    assert_eq!(first.hashtags[0].tag, "algebra");
    assert_eq!(second.mentions[0].user, ben.id());

    feed_becomes(&ben, &[second.id, first.id]).await;
    feed_becomes(&ada, &[second.id, first.id]).await;
    feed_becomes(&cleo, &[]).await;
    for person in [ada, ben, cleo] {
        person.contract.assert_kept();
    }
}

async fn followers_only_means_followers_only(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    ben.session.follow(ada.id()).await.unwrap();
    let post =
        PostCreate { text: "Between us".to_owned(), audience: Some(Audience::Followers), ..PostCreate::default() };
    let post = ada.session.publish(post).await.unwrap();

    feed_becomes(&ben, &[post.id]).await;
    assert!(ben.session.content(post.id).await.is_ok());
    assert_eq!(cleo.session.content(post.id).await.unwrap_err().status(), Some(404));
    assert!(cleo.session.content_of(ada.id(), None, 10).await.unwrap().items.is_empty());
    cleo.contract.assert_kept();
}

async fn an_edit_shows_and_a_deletion_takes_effect(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ben.session.follow(ada.id()).await.unwrap();
    let post = say(&ada, "A tpyo").await;
    feed_becomes(&ben, &[post.id]).await;

    let edit = ContentEdit { text: Some("A typo".to_owned()), ..ContentEdit::default() };
    assert_eq!(ada.session.edit_content(post.id, &edit).await.unwrap().text, "A typo");
    assert_eq!(ben.session.feed(None, 10).await.unwrap().items[0].content.text, "A typo");
    assert_eq!(ben.session.edit_content(post.id, &edit).await.unwrap_err().status(), Some(403));

    ada.session.delete_content(post.id).await.unwrap();
    assert_eq!(feed(&ben).await, [], "a deleted post is gone at once");
    assert_eq!(ben.session.content(post.id).await.unwrap_err().status(), Some(404));
    ben.contract.assert_kept();
}

async fn following_brings_earlier_posts_and_unfollowing_takes_them(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let post = say(&ada, "Before you came").await;
    ben.session.follow(ada.id()).await.unwrap();
    feed_becomes(&ben, &[post.id]).await;
    ben.session.unfollow(ada.id()).await.unwrap();
    feed_becomes(&ben, &[]).await;
}

async fn a_block_empties_both_feeds_of_each_other(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ada.session.follow(ben.id()).await.unwrap();
    ben.session.follow(ada.id()).await.unwrap();
    let (of_ada, of_ben) = (say(&ada, "mine").await, say(&ben, "his").await);
    feed_becomes(&ada, &[of_ben.id, of_ada.id]).await;
    feed_becomes(&ben, &[of_ben.id, of_ada.id]).await;

    ada.session.block(ben.id()).await.unwrap();
    assert_eq!(feed(&ada).await, [of_ada.id], "a block takes effect at once");
    assert_eq!(feed(&ben).await, [of_ben.id], "and both ways");
    assert_eq!(ben.session.content(of_ada.id).await.unwrap_err().status(), Some(404));
}

async fn pages_neither_repeat_nor_skip_while_others_post(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ben.session.follow(ada.id()).await.unwrap();
    let mut before = Vec::new();
    for number in 0..12 {
        before.insert(0, say(&ada, &format!("number {number}")).await.id);
    }
    feed_becomes(&ben, &before).await;

    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = ben.session.feed(cursor.as_ref(), 5).await.unwrap();
        read.extend(page.items.iter().map(|item| item.content.id));
        // Newer posts belong before the first page, not between the others.
        let newer = say(&ada, "meanwhile").await;
        until("the newer post arrives", SOON, async || feed(&ben).await.contains(&newer.id).then_some(())).await;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, before);
}

async fn the_feed_that_was_chosen_is_there_on_every_device(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ben.session.follow(ada.id()).await.unwrap();
    let (older, newer) = (say(&ada, "first").await.id, say(&ada, "second").await.id);
    feed_becomes(&ben, &[newer, older]).await;
    assert_eq!(ben.session.feed_preferences().await.unwrap(), FeedPreferences::default());

    let given: FeedPreferencesGiven =
        serde_json::from_str(r#"{"feed":"following","language":"en","near":"52.52,13.405"}"#).unwrap();
    let chosen = ben.session.prefer_feed(&given).await.unwrap();
    let elsewhere = ben.log_in("phone").await.unwrap();
    assert_eq!(elsewhere.session.feed_preferences().await.unwrap(), chosen);
    assert_eq!(chosen.near.as_deref(), Some("52.52,13.405"));
    let page = elsewhere.session.ranked_feed(None, 10).await.unwrap();
    let ids: Vec<ContentId> = page.items.iter().map(|item| item.content.id).collect();
    assert_eq!(ids, [newer, older], "newest first");

    // What was refused changes nothing.
    let wrong = FeedPreferencesGiven { feed: FeedChoice::Ranked, language: Some("eng".to_owned()), near: None };
    assert_eq!(ben.session.prefer_feed(&wrong).await.unwrap_err().code(), Some("invalid_feed_language"));
    assert_eq!(ben.session.feed_preferences().await.unwrap(), chosen);

    let given = FeedPreferencesGiven { feed: FeedChoice::Ranked, language: None, near: None };
    assert_eq!(ben.session.prefer_feed(&given).await.unwrap(), FeedPreferences::default());
    assert_eq!(elsewhere.session.feed_preferences().await.unwrap(), FeedPreferences::default());
    assert_eq!(ada.session.feed_preferences().await.unwrap(), FeedPreferences::default(), "nobody else's");
    for person in [ada, ben] {
        person.contract.assert_kept();
    }
}
