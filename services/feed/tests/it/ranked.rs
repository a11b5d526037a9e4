//! The ranked feed on a real PostgreSQL: pages, wishes, and what is learned.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use feed::ranked::{Learner, Listener, Models, Open, Opens, Parts, Ranked, SERVED_LATELY, SLATE_AGE_MAX, WAIT};
use kernel::{ContentId, Cursor, ErrorKind, Fail as _, Page, PageSize, Problem, UserId};
use postgres::outbox::{Consumer, Dispatch};
use schemas::content::{Audience, PostCreate};
use schemas::feed::{FeedItem, Why};
use serde_json::json;

use crate::world::{Content, Store, World};

struct Openly(Arc<content::Service>);

#[async_trait]
impl Opens for Openly {
    async fn open(&self, id: ContentId) -> Result<Option<Open>, Problem> {
        let open = |content: content::Content| Open {
            author: content.author,
            hashtags: content.tags(),
            language: Some("en".to_owned()),
            place: content.place,
        };
        Ok(self.0.open(id).await?.map(open))
    }
}

struct Theatre {
    world: World,
    ranked: Arc<Ranked>,
    models: Arc<Models>,
    learner: Arc<Learner>,
    dispatch: Arc<Dispatch>,
}

impl Theatre {
    async fn new() -> Self {
        let world = World::new(Store::Postgres).await;
        let models = Models::new(world.db.clone());
        let parts = Parts {
            db: world.db.clone(),
            following: world.feed.clone(),
            contents: Arc::new(Content(world.content.clone())),
            graph: world.society.clone(),
            models: models.clone(),
        };
        let ranked = Ranked::start(parts).await.unwrap();
        let learner = Learner::new(world.db.clone(), models.clone());
        let listener = Listener::new(world.db.clone(), Arc::new(Openly(world.content.clone())), world.clock.clone());
        let consumers = vec![world.worker.clone() as Arc<dyn Consumer>, listener];
        let dispatch = Dispatch::new(world.db.clone(), world.clock.clone(), consumers);
        Self { world, ranked, models, learner, dispatch }
    }

    async fn drain(&self) {
        while postgres::testing::deliver_once(&self.world.db, &self.dispatch).await > 0 {}
        while self.world.worker.work_once().await.unwrap() {}
    }

    async fn try_page(
        &self,
        viewer: UserId,
        cursor: Option<&Cursor>,
        size: u32,
    ) -> Result<Page<FeedItem>, feed::Error> {
        let size = PageSize::try_from(size).unwrap();
        self.ranked.page(&self.world.ctx(viewer), Default::default(), cursor, size).await
    }

    async fn page(&self, viewer: UserId, cursor: Option<&Cursor>, size: u32) -> Page<FeedItem> {
        let page = self.try_page(viewer, cursor, size).await.unwrap();
        assert!(page.items.len() <= size as usize);
        page
    }

    /// What a first page shows, without its being remembered as served.
    async fn shown(&self, viewer: UserId) -> HashSet<ContentId> {
        let page = self.page(viewer, None, 100).await;
        self.sql("DELETE FROM feed_served").await;
        ids(&page).into_iter().collect()
    }

    async fn posts(&self, authors: usize, each: usize) -> Vec<ContentId> {
        let mut posts = Vec::new();
        for _ in 0..authors {
            let author = self.world.person();
            for _ in 0..each {
                posts.push(self.world.post(author).await);
            }
        }
        self.drain().await;
        posts
    }

    async fn tagged(&self, author: UserId, tag: &str) -> ContentId {
        let input = PostCreate { text: format!("About #{tag}"), ..PostCreate::default() };
        self.world.content.create(&self.world.ctx(author), input.into()).await.unwrap().id
    }

    async fn engage(&self, user: UserId, content: ContentId, what: &str, on: bool) {
        let at = self.world.now();
        let author = UserId::new(at);
        let payload = json!({ "content": content, "author": author, "user": user, "what": what, "on": on, "at": at });
        self.world.tell_of("engagement.changed", content.to_string(), payload).await;
    }

    async fn view(&self, user: UserId, contents: &[ContentId], dwell_ms: u32) {
        let view =
            |content: &ContentId| json!({ "content": content, "dwell_ms": dwell_ms, "request": "r", "first": true });
        let views: Vec<_> = contents.iter().map(view).collect();
        let payload = json!({ "user": user, "views": views, "at": self.world.now() });
        self.world.tell_of("content.viewed", user.to_string(), payload).await;
    }

    async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.world.db.pool()).await.unwrap();
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.world.db.pool()).await.unwrap()
    }
}

fn ids(page: &Page<FeedItem>) -> Vec<ContentId> {
    page.items.iter().map(|item| item.content.id).collect()
}

#[tokio::test]
async fn a_new_viewers_page_is_not_blank_and_holds_nothing_that_is_not_for_them() {
    let theatre = Theatre::new().await;
    let [ada, ben] = theatre.world.people();
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
    let theatre = Theatre::new().await;
    let [viewer, followed, stranger] = theatre.world.people();
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
    let theatre = Theatre::new().await;
    let viewer = theatre.world.person();
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
    let theatre = Theatre::new().await;
    let [viewer, ada, ben, cleo, dana] = theatre.world.people();
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
    let theatre = Theatre::new().await;
    let viewer = theatre.world.person();
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
async fn less_of_it_takes_it_away_and_can_be_taken_back() {
    let theatre = Theatre::new().await;
    let [viewer, ada, ben] = theatre.world.people();
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
async fn cursors_are_their_viewers_and_go_on_when_their_order_is_gone() {
    let theatre = Theatre::new().await;
    let [viewer, other] = theatre.world.people();
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
async fn it_learns_from_what_was_looked_at_once_and_swaps_models_live() {
    let theatre = Theatre::new().await;
    let viewer = theatre.world.person();
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
    theatre
        .sql(
            "INSERT INTO feed_models (schema, model, examples, surprise, hand_surprise, judged, serves, made_at)
             SELECT schema, model, examples, 1, 2, 5000, true, made_at FROM feed_models",
        )
        .await;
    theatre.models.refresh().await.unwrap();
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
    theatre
        .sql(
            "INSERT INTO feed_models (schema, model, examples, surprise, hand_surprise, judged, serves, made_at)
             SELECT schema, 'x', examples, 1, 2, 5000, true, made_at FROM feed_models LIMIT 1",
        )
        .await;
    theatre.models.refresh().await.unwrap();
    assert_eq!(theatre.models.serving(), version);
}

#[tokio::test]
async fn a_source_that_fails_leaves_the_page_poorer_and_a_gate_that_fails_leaves_none() {
    let theatre = Theatre::new().await;
    let viewer = theatre.world.person();
    theatre.posts(3, 1).await;
    theatre.sql("ALTER TABLE feed_tallies RENAME TO feed_tallies_away").await;
    theatre.sql("ALTER TABLE feed_profiles RENAME TO feed_profiles_away").await;
    assert_eq!(theatre.page(viewer, None, 10).await.items.len(), 3);
    theatre.world.society.set_away(true);
    assert_eq!(theatre.try_page(viewer, None, 10).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_is_not_public_any_more_is_not_recommended() {
    let theatre = Theatre::new().await;
    let [ada, ben] = theatre.world.people();
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
    theatre.world.tell_of("account.deleted", ada.to_string(), json!({ "user": ada })).await;
    theatre.drain().await;
    assert_eq!(theatre.count("SELECT count(*) FROM feed_seen").await, 0);
}
