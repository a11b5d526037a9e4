//! What a ranked page holds, why, and how pages go on.

use std::collections::HashSet;
use std::time::Duration;

use feed::ranked::{SERVED_LATELY, SLATE_AGE_MAX};
use kernel::{ContentId, Cursor, ErrorKind, Fail as _};
use schemas::content::Audience;
use schemas::feed::Why;

use super::{Theatre, ids};

#[tokio::test]
async fn a_new_viewers_page_is_not_blank_and_holds_nothing_that_is_not_for_them() {
    let (theatre, [ada, ben]) = Theatre::with_people().await;
    let public = theatre.world.post(ada).await;
    theatre.world.post_to(ada, Audience::Followers).await;
    theatre.world.post(ben).await;
    theatre.drain().await;
    let page = theatre.page(ben, None, 20).await;
    assert_eq!(ids(&page), [public]);
    assert!(matches!(page.items[0].why, Why::Trending | Why::NewAuthor), "{:?}", page.items[0].why);
    // Nor is it in a community where nobody has said anything for a month.
    theatre.world.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(theatre.shown(ben).await, HashSet::from([public]));
}

#[tokio::test]
async fn an_item_says_why_it_is_there() {
    let (theatre, [viewer, followed, stranger]) = Theatre::with_people().await;
    theatre.world.follow(viewer, followed).await;
    let theirs = theatre.world.post_to(followed, Audience::Followers).await;
    let liked = theatre.world.post(stranger).await;
    theatre.drain().await;
    theatre.engage(followed, liked, "reaction", true).await;
    theatre.drain().await;
    let page = theatre.page(viewer, None, 20).await;
    let why = |id| page.items.iter().find(|item| item.content.id == id).map(|item| item.why.clone());
    assert_eq!(why(theirs), Some(Why::Followed));
    assert_eq!(why(liked), Some(Why::LikedByFollowed { people: 1 }));
    // Taken back, it speaks for nothing any more; and what is saved is nobody else's business.
    theatre.engage(followed, liked, "reaction", false).await;
    theatre.engage(followed, liked, "save", true).await;
    theatre.drain().await;
    theatre.sql("DELETE FROM feed_served").await;
    let page = theatre.page(viewer, None, 20).await;
    let found = page.items.iter().find(|item| item.content.id == liked).unwrap();
    assert!(!matches!(found.why, Why::LikedByFollowed { .. }));
}

#[tokio::test]
async fn paging_while_people_post_and_react_repeats_and_loses_nothing() {
    let (theatre, [viewer]) = Theatre::with_people().await;
    let posts: HashSet<ContentId> = theatre.posts(10, 3).await.into_iter().collect();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = theatre.page(viewer, cursor.as_ref(), 7).await;
        seen.extend(ids(&page));
        let fan = theatre.world.person();
        theatre.posts(1, 2).await;
        for post in posts.iter().take(9) {
            theatre.engage(fan, *post, "reaction", true).await;
        }
        theatre.drain().await;
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), posts.len());
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), posts);
}

#[tokio::test]
async fn what_may_not_be_read_any_more_falls_out_of_a_kept_order() {
    let (theatre, [viewer, ada, ben, cleo, dana]) = Theatre::with_people().await;
    let mut posts = Vec::new();
    for author in [ada, ben, cleo, dana] {
        posts.push(theatre.world.post(author).await);
    }
    theatre.drain().await;
    let first = theatre.page(viewer, None, 1).await;
    let gone = ids(&first)[0];
    theatre.world.block(viewer, ada).await;
    theatre.world.mute(viewer, ben, true);
    theatre.world.delete(cleo, posts[2]).await;
    let rest = theatre.page(viewer, first.next.as_ref(), 10).await;
    let expected: Vec<ContentId> = posts[3..].iter().copied().filter(|id| *id != gone).collect();
    assert_eq!(ids(&rest), expected);
    assert_eq!(rest.next, None);
    // And out of new orders, however far behind the worker is.
    theatre.sql("DELETE FROM feed_served").await;
    assert_eq!(ids(&theatre.page(viewer, None, 10).await), [posts[3]]);
}

#[tokio::test]
async fn what_was_seen_stays_away_and_what_was_served_does_for_a_while() {
    let (theatre, [viewer]) = Theatre::with_people().await;
    let posts: HashSet<ContentId> = theatre.posts(6, 1).await.into_iter().collect();
    let first: HashSet<ContentId> = ids(&theatre.page(viewer, None, 3).await).into_iter().collect();
    let second: HashSet<ContentId> = ids(&theatre.page(viewer, None, 10).await).into_iter().collect();
    assert_eq!((first.len(), second.len()), (3, 3));
    assert!(first.is_disjoint(&second));
    // Everything was served, nothing was looked at: better again than nothing.
    assert_eq!(ids(&theatre.page(viewer, None, 10).await).into_iter().collect::<HashSet<_>>(), posts);
    let looked_at: Vec<ContentId> = first.iter().copied().collect();
    theatre.view(viewer, &looked_at, 500).await;
    theatre.drain().await;
    theatre.world.clock.advance(SERVED_LATELY + Duration::from_secs(1));
    assert_eq!(theatre.shown(viewer).await, second);
    let rest: Vec<ContentId> = second.into_iter().collect();
    theatre.view(viewer, &rest, 500).await;
    theatre.drain().await;
    assert_eq!(theatre.shown(viewer).await, HashSet::new());
}

#[tokio::test]
async fn cursors_are_their_viewers_and_go_on_when_their_order_is_gone() {
    let (theatre, [viewer, other]) = Theatre::with_people().await;
    theatre.posts(9, 1).await;
    let first = theatre.page(viewer, None, 3).await;
    let next = first.next.clone().unwrap();
    for (who, cursor) in
        [(other, next.clone()), (viewer, Cursor::encode(&(1, 2))), (viewer, Cursor::from("x".to_owned()))]
    {
        let refused = theatre.try_page(who, Some(&cursor), 3).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_cursor");
    }
    // The same page twice is the same.
    let second = theatre.page(viewer, Some(&next), 3).await;
    assert_eq!(ids(&second), ids(&theatre.page(viewer, Some(&next), 3).await));
    theatre.world.clock.advance(SLATE_AGE_MAX + Duration::from_secs(1));
    let third = theatre.page(viewer, second.next.as_ref(), 10).await;
    let all: HashSet<ContentId> = [&first, &second, &third].into_iter().flat_map(ids).collect();
    assert_eq!((third.items.len(), all.len()), (3, 9));
}

#[tokio::test]
async fn a_source_that_fails_leaves_the_page_poorer_and_a_gate_that_fails_leaves_none() {
    let (theatre, [viewer]) = Theatre::with_people().await;
    theatre.posts(3, 1).await;
    theatre.sql("ALTER TABLE feed_tallies RENAME TO feed_tallies_away").await;
    theatre.sql("ALTER TABLE feed_profiles RENAME TO feed_profiles_away").await;
    assert_eq!(theatre.page(viewer, None, 10).await.items.len(), 3);
    theatre.world.society.set_away(true);
    assert_eq!(theatre.try_page(viewer, None, 10).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
