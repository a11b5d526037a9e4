//! What viewers ask for: less of something, another feed, a place.

use std::collections::HashSet;

use feed::ranked::Asked;
use kernel::{ContentKind, Cursor, ErrorKind, Fail as _, PageSize};
use schemas::content::Audience;
use schemas::feed::{FeedChoice, FeedPreferences, FeedPreferencesGiven, Why};

use super::{Theatre, ids};

fn given(feed: FeedChoice, language: Option<&str>, near: Option<&str>) -> FeedPreferencesGiven {
    FeedPreferencesGiven { feed, language: language.map(str::to_owned), near: near.map(str::to_owned) }
}

#[tokio::test]
async fn less_of_it_takes_it_away_and_can_be_taken_back() {
    let (theatre, [viewer, ada, ben]) = Theatre::with_people().await;
    let unwanted = theatre.tagged(ada, "noise").await;
    let like_it = theatre.tagged(ada, "noise").await;
    let other = theatre.world.post(ben).await;
    let secret = theatre.world.post_to(ada, Audience::Followers).await;
    theatre.drain().await;
    let ctx = theatre.world.ctx(viewer);
    for _ in 0..2 {
        theatre.ranked.less(&ctx, unwanted).await.unwrap();
        let page = theatre.page(viewer, None, 10).await;
        assert_eq!(ids(&page), [other, like_it], "and what is like it comes last");
        theatre.sql("DELETE FROM feed_served").await;
    }
    theatre.ranked.take_back_less(&ctx, unwanted).await.unwrap();
    assert_eq!(theatre.shown(viewer).await, HashSet::from([unwanted, like_it, other]));
    // Of what one may not read, one cannot ask for less.
    let refused = theatre.ranked.less(&ctx, secret).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::NotFound, "content_not_found"));
}

#[tokio::test]
async fn a_feed_is_what_was_chosen_and_pages_go_on_in_the_feed_that_they_are_of() {
    let (theatre, [viewer, followed, stranger]) = Theatre::with_people().await;
    theatre.world.follow(viewer, followed).await;
    let mut theirs = Vec::new();
    for author in [followed, followed, stranger, followed] {
        theirs.insert(0, theatre.world.post(author).await);
    }
    let strange = theirs.remove(1);
    theatre.drain().await;
    let ctx = || theatre.world.ctx(viewer);
    let page = |cursor: Option<Cursor>, size: u32| {
        let theatre = &theatre;
        async move {
            let size = PageSize::try_from(size).unwrap();
            theatre.ranked.feed(&theatre.world.ctx(viewer), Default::default(), cursor.as_ref(), size).await.unwrap()
        }
    };
    assert_eq!(theatre.ranked.preferences(&ctx()).await.unwrap(), FeedPreferences::default());
    let ranked = page(None, 2).await;
    let chosen =
        theatre.ranked.prefer(&ctx(), given(FeedChoice::Following, Some("en"), Some("52.5,13.4"))).await.unwrap();
    assert_eq!(theatre.ranked.preferences(&ctx()).await.unwrap(), chosen);
    let first = page(None, 2).await;
    assert_eq!(ids(&first), theirs[..2], "newest first, and nobody else's");
    assert_eq!(page(ranked.next, 10).await.items.len(), 2, "what was begun goes on");
    theatre.ranked.prefer(&ctx(), given(FeedChoice::Ranked, None, None)).await.unwrap();
    assert_eq!(ids(&page(first.next, 2).await), theirs[2..]);
    theatre.sql("DELETE FROM feed_served").await;
    assert!(ids(&page(None, 10).await).contains(&strange));
    let stored = theatre.ranked.preferences(&ctx()).await.unwrap();
    assert_eq!(stored, FeedPreferences::default(), "what is left out is forgotten");
    for (language, near, code) in [
        (Some("eng"), None, "invalid_feed_language"),
        (None, Some("91,0"), "invalid_area"),
        (None, Some(""), "invalid_area"),
    ] {
        let refused = theatre.ranked.prefer(&ctx(), given(FeedChoice::Following, language, near)).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    assert_eq!(theatre.ranked.preferences(&ctx()).await.unwrap(), FeedPreferences::default());
    theatre.ranked.prefer(&ctx(), given(FeedChoice::Following, None, None)).await.unwrap();
    theatre.leave(viewer).await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_preferences").await, 0);
}

#[tokio::test]
async fn the_place_that_was_chosen_for_good_counts_where_a_page_names_none() {
    let (theatre, [viewer, ada]) = Theatre::with_people().await;
    let listing = theatre.world.publish_at(ada, ContentKind::Listing, Some((52.52, 13.405))).await;
    theatre.drain().await;
    let near = given(FeedChoice::Ranked, None, Some("52.52,13.40"));
    theatre.ranked.prefer(&theatre.world.ctx(viewer), near).await.unwrap();
    let asked = |near: Option<&str>| Asked::parse(None, near).unwrap();
    for (near, is_near) in [(None, true), (Some("-33,151"), false)] {
        theatre.sql("DELETE FROM feed_served").await;
        let ctx = theatre.world.ctx(viewer);
        let page = theatre.ranked.feed(&ctx, asked(near), None, PageSize::DEFAULT).await.unwrap();
        let why = page.items.iter().find(|item| item.content.id == listing).map(|item| item.why.clone()).unwrap();
        assert_eq!(matches!(why, Why::Near { .. }), is_near, "{near:?}: {why:?}");
    }
}
