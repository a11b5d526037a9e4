//! Hashtags that are used more than they used to be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{ContentId, ContentKind, EventId, Problem, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::outbox::{Consumer as _, Delivery};
use search::{Counter, FRESH, KEPT, PEOPLE_MIN, RECENT, Tagged, TaggedContent};
use serde_json::json;

use crate::world::World;

/// Posts that are there, public, and of accounts that are not private.
#[derive(Default)]
struct Posts(Mutex<HashMap<ContentId, Tagged>>);

#[async_trait]
impl TaggedContent for Posts {
    async fn tagged(&self, content: ContentId) -> Result<Option<Tagged>, Problem> {
        Ok(self.0.lock().get(&content).cloned())
    }
}

struct Town {
    world: World,
    posts: Arc<Posts>,
    counter: Arc<Counter>,
    viewer: UserId,
}

impl Town {
    async fn new() -> Self {
        let world = World::new().await;
        let posts = Arc::new(Posts::default());
        let counter = Counter::new(world.db.clone(), posts.clone(), world.clock.clone());
        let viewer = UserId::new(world.now());
        Self { world, posts, counter, viewer }
    }

    fn people(&self, count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::new(self.world.now())).collect()
    }

    async fn tell(&self, kind: &str, payload: serde_json::Value) {
        let now = self.world.clock.now();
        let event = Delivery {
            id: EventId::new(now),
            kind: kind.to_owned(),
            key: String::new(),
            payload,
            trace: None,
            created_at: now,
            tries: 0,
        };
        assert!(self.counter.wants(kind));
        self.counter.consume(&event).await.unwrap();
    }

    async fn post_at(&self, author: UserId, text: &str, created_at: Timestamp) -> ContentId {
        let post = ContentId::new(ContentKind::Post, created_at);
        let tags = text.split(' ').filter_map(|word| word.strip_prefix('#')).map(str::to_owned).collect();
        let tagged = Tagged { content: post, author, tags, text: text.to_owned(), created_at };
        self.posts.0.lock().insert(post, tagged);
        self.tell("content.created", json!({ "content": post, "author": author })).await;
        post
    }

    async fn post(&self, author: UserId, text: &str) -> ContentId {
        self.post_at(author, text, self.world.now()).await
    }

    /// Trends that nobody remembers from before.
    async fn trends(&self) -> Vec<(String, u64, u64)> {
        self.world.clock.advance(FRESH);
        self.remembered(None, 50).await
    }

    async fn remembered(&self, language: Option<&str>, limit: usize) -> Vec<(String, u64, u64)> {
        let ctx = self.world.ctx(self.viewer);
        let found = self.world.search.trending(&ctx, language, limit).await.unwrap();
        found.items.into_iter().map(|it| (it.tag, it.people, it.posts)).collect()
    }
}

fn trend(tag: &str, people: u64, posts: u64) -> (String, u64, u64) {
    (tag.to_owned(), people, posts)
}

#[tokio::test]
async fn so_many_people_make_a_trend_and_one_less_does_not() {
    let town = Town::new().await;
    let people = town.people(PEOPLE_MIN as usize);
    for person in &people[1..] {
        town.post(*person, "#tea").await;
        town.post(*person, "#tea again").await;
    }
    assert_eq!(town.trends().await, []);
    town.post(people[0], "#tea #rare").await;
    assert_eq!(town.trends().await, [trend("tea", PEOPLE_MIN, 2 * PEOPLE_MIN - 1)]);
}

#[tokio::test]
async fn what_rises_comes_before_what_is_always_there() {
    let town = Town::new().await;
    let people = town.people(6);
    let now = town.world.now();
    for day in 1..=7 {
        for person in &people {
            let then = now.minus(Duration::from_secs(24 * 60 * 60 * day + 60));
            town.post_at(*person, "#always", then).await;
        }
    }
    for person in &people {
        town.post(*person, "#always").await;
    }
    for person in &people[..4] {
        town.post(*person, "#new").await;
    }
    let tags: Vec<String> = town.trends().await.into_iter().map(|(tag, ..)| tag).collect();
    assert_eq!(tags, ["new", "always"]);
    // A day later, both are over.
    town.world.clock.advance(RECENT);
    assert_eq!(town.trends().await, []);
}

#[tokio::test]
async fn later_uses_count_more() {
    let town = Town::new().await;
    let people = town.people(3);
    let now = town.world.now();
    for person in &people {
        town.post_at(*person, "#morning", now.minus(Duration::from_secs(20 * 60 * 60))).await;
        town.post_at(*person, "#now", now).await;
    }
    let tags: Vec<String> = town.trends().await.into_iter().map(|(tag, ..)| tag).collect();
    assert_eq!(tags, ["now", "morning"]);
}

#[tokio::test]
async fn edits_deletions_and_private_accounts_take_back_what_they_counted() {
    let town = Town::new().await;
    let people = town.people(4);
    let mut posts = Vec::new();
    for person in &people {
        posts.push(town.post(*person, "#tea").await);
    }
    assert_eq!(town.trends().await, [trend("tea", 4, 4)]);
    // Events come again, and late.
    town.tell("content.created", json!({ "content": posts[0], "author": people[0] })).await;
    assert_eq!(town.trends().await, [trend("tea", 4, 4)]);
    town.posts.0.lock().remove(&posts[0]);
    town.tell("content.deleted", json!({ "content": posts[0], "author": people[0] })).await;
    town.tell("content.created", json!({ "content": posts[0], "author": people[0] })).await;
    assert_eq!(town.trends().await, [trend("tea", 3, 3)]);
    town.posts.0.lock().get_mut(&posts[1]).unwrap().tags = vec!["coffee".to_owned()];
    town.tell("content.edited", json!({ "content": posts[1], "author": people[1] })).await;
    assert_eq!(town.trends().await, []);
    town.posts.0.lock().get_mut(&posts[1]).unwrap().tags = vec!["tea".to_owned()];
    town.tell("content.edited", json!({ "content": posts[1], "author": people[1] })).await;
    assert_eq!(town.trends().await, [trend("tea", 3, 3)]);
    town.tell("account.updated", json!({ "user": people[2], "private": false })).await;
    assert_eq!(town.trends().await, [trend("tea", 3, 3)]);
    town.tell("account.updated", json!({ "user": people[2], "private": true })).await;
    assert_eq!(town.trends().await, []);
}

#[tokio::test]
async fn trends_are_told_by_language_and_remembered_for_a_while() {
    let town = Town::new().await;
    for person in town.people(3) {
        town.post(person, "Les enfants couraient encore dans les vieux #garden de la ville").await;
        town.post(person, "Die Kinder liefen wieder durch die alten Gärten der #stadt").await;
    }
    let french = [trend("garden", 3, 3)];
    assert_eq!(town.remembered(Some("fr"), 50).await, french);
    assert_eq!(town.remembered(Some("en"), 50).await, []);
    assert_eq!(town.remembered(None, 50).await.len(), 2);
    assert_eq!(town.remembered(None, 1).await.len(), 1);
    for person in town.people(3) {
        town.post(person, "Les enfants couraient encore dans les vieux #jardins de la ville").await;
    }
    assert_eq!(town.remembered(Some("fr"), 50).await, french, "not worked out for every request");
    town.world.clock.advance(FRESH);
    assert_eq!(town.remembered(Some("fr"), 50).await.len(), 2);
    let wrong = town.world.search.trending(&town.world.ctx(town.viewer), Some("xx"), 5).await.unwrap_err();
    assert_eq!(kernel::Fail::code(&wrong), "invalid_search_language");
}

#[tokio::test]
async fn what_is_too_old_is_neither_counted_nor_kept() {
    let town = Town::new().await;
    let person = town.people(1)[0];
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM hashtag_uses").fetch_one(town.world.db.pool()).await.unwrap()
    };
    let now = town.world.now();
    town.post_at(person, "#old", now.minus(KEPT)).await;
    assert_eq!(count().await, 0);
    town.post_at(person, "#kept", now.minus(KEPT - Duration::from_secs(1))).await;
    assert_eq!(count().await, 1);
    town.world.clock.advance(Duration::from_secs(1));
    for _ in 0..256 {
        town.tell("account.updated", json!({ "user": person, "private": false })).await;
    }
    assert_eq!(count().await, 0);
}
