//! The ranked feed on a real PostgreSQL: pages, wishes, and what is learned.

mod learning;
mod pages;
mod wishes;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use feed::ranked::{Learner, Listener, Models, Open, Opens, Parts, Ranked, Rules};
use kernel::{ContentId, Cursor, Page, PageSize, Problem, UserId};
use postgres::outbox::{Consumer, Dispatch};
use schemas::content::PostCreate;
use schemas::feed::FeedItem;
use serde_json::json;

use crate::world::{Content, Store, World};

/// What these tests are about is not how fast the machine is.
const PATIENCE: u32 = 60;

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

/// A world with a ranked feed.
pub struct Theatre {
    pub world: World,
    pub ranked: Arc<Ranked>,
    models: Arc<Models>,
    learner: Arc<Learner>,
    dispatch: Arc<Dispatch>,
}

impl Theatre {
    /// One with people who have done nothing yet.
    async fn with_people<const N: usize>() -> (Self, [UserId; N]) {
        let theatre = Self::of(World::new(Store::Postgres).await).await;
        let people = theatre.world.people();
        (theatre, people)
    }

    pub async fn of(world: World) -> Self {
        let models = Models::new(world.db.clone());
        let parts = Parts {
            db: world.db.clone(),
            following: world.feed.clone(),
            contents: Arc::new(Content(world.content.clone())),
            graph: world.society.clone(),
            models: models.clone(),
            patience: PATIENCE,
            // What is shown does not depend on dice.
            rules: Rules { explore: 0.0, ..Rules::default() },
        };
        let ranked = Ranked::start(parts).await.unwrap();
        let learner = Learner::new(world.db.clone(), models.clone());
        let listener = Listener::new(world.db.clone(), Arc::new(Openly(world.content.clone())), world.clock.clone());
        let consumers = vec![world.worker.clone() as Arc<dyn Consumer>, listener];
        let dispatch = Dispatch::new(world.db.clone(), world.clock.clone(), consumers);
        Self { world, ranked, models, learner, dispatch }
    }

    /// What follows when somebody deletes their account.
    async fn leave(&self, user: UserId) {
        self.world.tell_of("account.deleted", user.to_string(), json!({ "user": user })).await;
        self.drain().await;
    }

    pub async fn drain(&self) {
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

    pub async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.world.db.pool()).await.unwrap();
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.world.db.pool()).await.unwrap()
    }
}

fn ids(page: &Page<FeedItem>) -> Vec<ContentId> {
    page.items.iter().map(|item| item.content.id).collect()
}
