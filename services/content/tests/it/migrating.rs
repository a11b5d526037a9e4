//! A database of before content had kinds.

use std::path::Path;

use content::{Error, Source, Window};
use kernel::{ContentId, ContentKind, PageSize, Timestamp, UserId};
use schemas::content::{Audience, ContentCreated};
use sqlx::AssertSqlSafe;

use crate::world::World;

/// Every migration that there was then.
const THEN: [i64; 12] = [1, 2, 3, 4, 10, 20, 30, 40, 50, 51, 60, 70];

/// Takes the schema back to what it was with those migrations.
async fn go_back(world: &World, was_there: impl Fn(i64) -> bool) {
    let run = async |sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(world.db.pool()).await.unwrap();
    };
    run("CREATE SCHEMA aside; CREATE TABLE aside.applied AS SELECT * FROM _sqlx_migrations;
         CREATE TABLE aside.form (LIKE _sqlx_migrations INCLUDING ALL);
         DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        .to_owned())
    .await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut then = Vec::new();
    for file in files {
        let version: i64 = file.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
        if was_there(version) {
            run(std::fs::read_to_string(file).unwrap()).await;
            then.push(version.to_string());
        }
    }
    let then = then.join(", ");
    run(format!(
        "CREATE TABLE _sqlx_migrations (LIKE aside.form INCLUDING ALL);
         INSERT INTO _sqlx_migrations SELECT * FROM aside.applied WHERE version IN ({then})"
    ))
    .await;
}

#[tokio::test]
async fn posts_of_before_are_content_and_their_events_are_told_in_the_words_of_now() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    go_back(&world, |version| THEN.contains(&version)).await;
    let now = world.now();
    let (old, gone) = (UserId::new(now).uuid(), UserId::new(now.plus(std::time::Duration::from_millis(1))).uuid());
    sqlx::query(
        "INSERT INTO posts (id, kind, author, audience, text, mentions, hashtags, created_at, latitude, longitude, deleted_at)
         VALUES ($1, 'text', $3, 'public', 'Of before #tea', '[]', '[{\"tag\": \"tea\", \"start\": 10, \"end\": 14}]', now(), 1, 2, NULL),
                ($2, 'text', $3, 'public', '', '[]', '[]', now(), NULL, NULL, now())",
    )
    .bind(old)
    .bind(gone)
    .bind(ada)
    .execute(world.db.pool())
    .await
    .unwrap();
    sqlx::query("INSERT INTO post_hashtags (tag, post) VALUES ('tea', $1)")
        .bind(old)
        .execute(world.db.pool())
        .await
        .unwrap();
    let old = ContentId::from_parts(ContentKind::Post, old);
    let payload = serde_json::json!({
        "post": old, "kind": "text", "author": ada, "audience": "public", "mentions": [], "hashtags": ["tea"],
        "created_at": Timestamp::from_millis(1_700_000_000_000),
    });
    let event = "INSERT INTO outbox (id, kind, key, payload, created_at) VALUES ($1, 'post.created', 'x', $2, now())";
    sqlx::query(event).bind(UserId::new(now)).bind(payload).execute(world.db.pool()).await.unwrap();

    world.db.migrate().await.unwrap();

    let read = world.contents.read(&world.ctx(ben), old).await.unwrap();
    assert_eq!((read.kind, read.text.as_str(), read.audience), (ContentKind::Post, "Of before #tea", Audience::Public));
    assert!(read.place.is_some() && read.media.is_empty());
    let gone = ContentId::from_parts(ContentKind::Post, gone);
    assert!(matches!(world.contents.read(&world.ctx(ada), gone).await, Err(Error::NotFound)));
    let tagged = world.contents.by_hashtag(&world.ctx(ben), "tea", None, PageSize::DEFAULT).await.unwrap();
    assert_eq!(tagged.items, [read]);
    let source = Source { author: ada, kind: ContentKind::Post };
    assert_eq!(world.contents.latest(&[source], Window::default(), 9).await.unwrap(), [(old, ada)]);
    let (kind, payload) = world.events().await.pop().unwrap();
    let told: ContentCreated = serde_json::from_value(payload).unwrap();
    assert_eq!((kind.as_str(), told.content, told.kind), ("content.created", old, ContentKind::Post));
}

#[tokio::test]
async fn what_was_popular_before_it_was_kept_is_popular() {
    let world = World::new().await;
    let ada = world.person("ada");
    // Of 2ⁿ⁻¹ to 2ⁿ - 1 it is the former that is kept; of what is gone, nothing.
    let acts: [(i64, i16, bool); 5] =
        [(0, 0, false), (1, 1, false), (1_023, 10, false), (1_024, 11, false), (9, 0, true)];
    go_back(&world, |version| version < 72).await;
    for (count, _, gone) in acts {
        let id = ContentId::new(ContentKind::Post, world.now());
        sqlx::query(
            "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, created_at, deleted_at)
             VALUES ($1, 1, $2, 'public', 'Tea', '[]', '[]', now(), CASE WHEN $3 THEN now() END)",
        )
        .bind(id)
        .bind(ada)
        .bind(gone)
        .execute(world.db.pool())
        .await
        .unwrap();
        // In two slots, of which one may be below zero; and what is looked at is not liked.
        sqlx::query(
            "INSERT INTO engagement_counters (content, what, value, slot, count)
             VALUES ($1, 1, 1, 0, $2 + 3), ($1, 2, 0, 1, -3), ($1, 4, 0, 0, 50)",
        )
        .bind(id)
        .bind(count)
        .execute(world.db.pool())
        .await
        .unwrap();
    }
    world.db.migrate().await.unwrap();
    let kept: Vec<i16> =
        sqlx::query_scalar("SELECT popularity FROM contents ORDER BY id").fetch_all(world.db.pool()).await.unwrap();
    assert_eq!(kept, acts.map(|(_, magnitude, _)| magnitude));
}
