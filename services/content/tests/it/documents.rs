//! What search is told of content.

use std::collections::HashMap;

use content::documents::Contents;
use index::pipeline::Mapping as _;
use kernel::{ContentId, ContentKind};

use crate::world::World;

async fn told(world: &World, id: ContentId) -> Option<f64> {
    let mut at = world.db.pool().acquire().await.unwrap();
    let loaded = Contents(ContentKind::Post).load(&mut at, &[id.to_string()]).await.unwrap();
    let scanned = Contents(ContentKind::Post).scan(&mut at, None, 10).await.unwrap();
    assert_eq!(loaded, scanned, "a build says the same as a change");
    loaded.first().map(|document| document.popularity)
}

/// Returns how many rows were written.
async fn counted(world: &World, id: ContentId, count: u64) -> u64 {
    world.contents.keep_popularity(&HashMap::from([(id, count)])).await.unwrap()
}

#[tokio::test]
async fn a_million_reactions_write_twenty_rows() {
    let world = World::new().await;
    let ada = world.person("ada");
    let post = world.post(ada, "Tea").await.id;
    assert_eq!(told(&world, post).await, Some(0.0));
    let mut written = 0;
    // Where a power of two is passed, and a little before and after.
    for power in 0..20 {
        let count = 1_u64 << power;
        for count in [count - 1, count, count + 1, count * 2 - 1] {
            written += counted(&world, post, count).await;
        }
    }
    assert_eq!((written, counted(&world, post, 1_000_000).await), (20, 0));
    assert_eq!(told(&world, post).await, Some(524_288.0));
}

#[tokio::test]
async fn what_goes_to_and_fro_writes_nothing() {
    let world = World::new().await;
    let ada = world.person("ada");
    let post = world.post(ada, "Tea").await.id;
    assert_eq!(counted(&world, post, 8).await, 1);
    for count in [7, 8, 4, 15] {
        assert_eq!(counted(&world, post, count).await, 0, "{count}");
    }
    assert_eq!((counted(&world, post, 3).await, told(&world, post).await), (1, Some(2.0)));
    assert_eq!((counted(&world, post, 0).await, told(&world, post).await), (1, Some(0.0)));
}

#[tokio::test]
async fn what_is_gone_is_not_popular() {
    let world = World::new().await;
    let ada = world.person("ada");
    let post = world.post(ada, "Tea").await.id;
    counted(&world, post, 9).await;
    world.contents.delete(&world.ctx(ada), post).await.unwrap();
    assert_eq!((counted(&world, post, 90).await, told(&world, post).await), (0, None));
    let kept: i16 = sqlx::query_scalar("SELECT popularity FROM contents").fetch_one(world.db.pool()).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn documents_are_looked_up_however_little_is_known_of_the_table() {
    let world = World::new().await;
    // Never analysed: the planner takes these for a handful.
    let inserted = "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, created_at)
                    SELECT gen_random_uuid(), 1, gen_random_uuid(), 'public', 'Tea ' || n, '[]', '[]', now()
                    FROM generate_series(1, 5000) n RETURNING id";
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar(inserted).fetch_all(world.db.pool()).await.unwrap();
    let some = ids[..100].iter().map(|id| ContentId::from_parts(ContentKind::Post, *id).to_string());

    let mut tx = world.db.begin().await.unwrap();
    let loaded = Contents(ContentKind::Post).load(&mut tx, &some.collect::<Vec<_>>()).await.unwrap();
    let read = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
                WHERE relname = 'contents'";
    let read: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert_eq!((loaded.len(), read), (100, 100));
}
