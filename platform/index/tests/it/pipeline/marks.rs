//! Documents that no table tells of: their writers leave marks.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use index::pipeline::{Mapping, Mappings};
use index::{Document, Kind};
use kernel::Timestamp;
use parking_lot::Mutex;
use postgres::StoreResult;
use sqlx::{AssertSqlSafe, PgConnection};

use super::world::{NOTE, World, eventually};

/// Texts by id, kept anywhere but in PostgreSQL.
#[derive(Default)]
struct Letters(Mutex<BTreeMap<String, String>>);

impl Letters {
    fn write(&self, numbers: std::ops::RangeInclusive<u32>) {
        self.0.lock().extend(numbers.map(|n| (id(n), format!("letter number{n}"))));
    }
}

fn id(number: u32) -> String {
    format!("drawer.{number:05}")
}

fn document((id, text): (&String, &String)) -> Document {
    Document {
        id: id.clone(),
        names: Vec::new(),
        text: text.clone(),
        language: None,
        tags: Vec::new(),
        author: None,
        audience: "public".to_owned(),
        place: None,
        popularity: 0.0,
        created_at: Timestamp::from_millis(0),
    }
}

#[async_trait]
impl Mapping for Letters {
    fn kind(&self) -> Kind {
        NOTE
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn touched(&self, _: &cdc::Change) -> Vec<String> {
        Vec::new()
    }

    async fn load(&self, _: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        Ok(ids.iter().filter_map(|id| self.0.lock().get_key_value(id).map(document)).collect())
    }

    fn between(&self, first: &str, last: &str) -> Vec<String> {
        let number = |id: &str| id.strip_prefix("drawer.").unwrap().parse::<u32>().unwrap();
        (number(first)..=number(last)).map(id).collect()
    }

    async fn onward(&self, after: &str, limit: usize) -> StoreResult<Vec<String>> {
        let after = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
        Ok(self.0.lock().range(after).take(limit).map(|(id, _)| id.clone()).collect())
    }

    async fn scan(&self, _: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.to_owned()));
        let limit = usize::try_from(limit).unwrap();
        Ok(self.0.lock().range((after, Bound::Unbounded)).take(limit).map(document).collect())
    }
}

async fn world() -> (World, Arc<Letters>) {
    let letters = Arc::new(Letters::default());
    let mut world = World::new().await;
    world.mappings = Mappings::new(vec![letters.clone()]);
    world.start();
    world.built_after(0).await;
    (world, letters)
}

/// A mark that a writer left so long ago.
async fn left(world: &World, document: &str, onward: bool, ago: &str) {
    let sql = format!(
        "INSERT INTO search_marks (id, kind, document, onward, ready, marked_at)
         VALUES (gen_random_uuid(), 'note', '{document}', {onward}, false, now() - interval '{ago}')"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(world.db.pool()).await.unwrap();
}

async fn marks(world: &World) -> Vec<(bool, String)> {
    sqlx::query_as("SELECT ready, hint FROM search_marks ORDER BY id").fetch_all(world.db.pool()).await.unwrap()
}

/// Whether a letter is found, be it among others that are spelt nearly like it.
async fn finds(world: &World, number: u32) -> bool {
    world.found(&format!("number{number}")).await.contains(&id(number))
}

async fn is_found(world: &World, number: u32) {
    eventually(|| async { finds(world, number).await.then_some(()) }).await;
}

#[tokio::test]
async fn what_follows_a_mark_that_was_left_is_read_and_once_more_much_later() {
    let (mut world, letters) = world().await;
    // More than are marked at once.
    letters.write(1..=2_005);
    left(&world, &id(5), true, "2 minutes").await;
    is_found(&world, 6).await;
    is_found(&world, 2_005).await;
    assert!(!finds(&world, 5).await, "the mark speaks of what comes after it");
    eventually(|| async { (marks(&world).await == [(true, "again".to_owned())]).then_some(()) }).await;
    // A write whose outcome nobody knew, that landed after all.
    letters.write(2_006..=2_006);
    world.run("UPDATE search_marks SET marked_at = now() - interval '2 hours'").await;
    is_found(&world, 2_006).await;
    eventually(|| async { (marks(&world).await == [(true, String::new())]).then_some(()) }).await;
    world.run("UPDATE search_marks SET marked_at = now() - interval '2 minutes'").await;
    eventually(|| async { marks(&world).await.is_empty().then_some(()) }).await;
    world.stop().await;
}

#[tokio::test]
async fn a_mark_of_one_document_that_was_left_is_told() {
    let (mut world, letters) = world().await;
    letters.write(1..=2);
    left(&world, &id(1), false, "2 minutes").await;
    is_found(&world, 1).await;
    assert!(!finds(&world, 2).await);
    assert_eq!(marks(&world).await, [(true, "again".to_owned())]);
    world.stop().await;
}

#[tokio::test]
async fn a_mark_of_several_tells_of_each() {
    let (mut world, letters) = world().await;
    letters.write(1..=6);
    let sql = format!(
        "INSERT INTO search_marks (id, kind, document, last, ready)
         VALUES (gen_random_uuid(), 'note', '{}', '{}', true)",
        id(2),
        id(5)
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(world.db.pool()).await.unwrap();
    for number in 2..=5 {
        is_found(&world, number).await;
    }
    assert!(!finds(&world, 1).await && !finds(&world, 6).await);
    world.stop().await;
}

#[tokio::test]
async fn marks_of_those_who_live_are_left_alone() {
    let (mut world, letters) = world().await;
    letters.write(1..=3);
    left(&world, &id(0), true, "0 seconds").await;
    left(&world, &id(2), false, "0 seconds").await;
    // This one is due, and is swept with whatever else is.
    left(&world, &id(1), false, "2 minutes").await;
    is_found(&world, 1).await;
    assert_eq!(marks(&world).await.iter().filter(|(ready, _)| !ready).count(), 2);
    assert!(!finds(&world, 2).await && !finds(&world, 3).await);
    world.stop().await;
}
