//! The index is built anew, while it is read and written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use index::pipeline::{self, CONSUMER, Mappings};

use super::world::{NOTE, Notes, World, eventually};

const MANY: &str =
    "INSERT INTO notes (id, text) SELECT gen_random_uuid(), 'note ' || n FROM generate_series(1, 20000) n";

#[tokio::test]
async fn a_table_that_is_rewritten_is_built_anew() {
    let mut world = World::new().await;
    world.note("quiet").await;
    world.start();
    let first = world.built_after(0).await;
    world.run("ALTER TABLE notes ALTER COLUMN text TYPE varchar(200) USING upper(text) || ' harbour'").await;
    world.built_after(first).await;
    assert_eq!(world.agrees().await, 1);
    assert_eq!(world.found("harbour").await.len(), 1);
    world.note("after it").await;
    assert_eq!(world.agrees().await, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_table_that_is_emptied_at_one_stroke_is_built_anew() {
    let mut world = World::new().await;
    world.run(MANY).await;
    world.start();
    let first = world.built_after(0).await;
    world.run("TRUNCATE notes").await;
    world.note("the only one").await;
    world.built_after(first).await;
    assert_eq!(world.agrees().await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_slot_that_was_dropped_by_hand_costs_a_build() {
    let mut world = World::new().await;
    world.note("before").await;
    world.start();
    let first = world.built_after(0).await;
    world.stop().await;
    world.drop_slot().await;
    world.run("UPDATE notes SET text = 'meanwhile'").await;
    world.start();
    world.built_after(first).await;
    assert_eq!(world.agrees().await, 1);
    assert_eq!(world.found("meanwhile").await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn an_emptied_folder_costs_a_build() {
    let mut world = World::new().await;
    world.run(MANY).await;
    world.start();
    world.built_after(0).await;
    world.stop().await;
    world.reopen(true).await;
    world.start();
    eventually(|| async { world.engine.live(NOTE).await.unwrap() }).await;
    assert_eq!(world.agrees().await, 20_000);
    world.stop().await;
}

#[tokio::test]
async fn a_mapping_that_changed_costs_a_build() {
    let mut world = World::new().await;
    world.note("here").await;
    world.start();
    let first = world.built_after(0).await;
    world.stop().await;
    world.mappings = Mappings::new(vec![Arc::new(Notes { revision: 2 })]);
    world.start();
    world.built_after(first).await;
    assert_eq!(world.agrees().await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_build_goes_on_where_it_was_killed() {
    let mut world = World::new().await;
    world.run(MANY).await;
    world.start();
    let begun =
        eventually(|| async { world.state().await?.of(NOTE)?.build.clone().filter(|build| build.documents > 0) }).await;
    world.kill().await;
    world.run("UPDATE notes SET text = 'edited meanwhile' WHERE id < '20000000-0000-0000-0000-000000000000'").await;
    world.run("DELETE FROM notes WHERE id > 'e0000000-0000-0000-0000-000000000000'").await;
    world.start();
    let live = world.built_after(0).await;
    assert_eq!(live, begun.made.generation, "the same generation was finished");
    world.agrees().await;
    world.stop().await;
}

#[tokio::test]
async fn a_reindex_leaves_no_gap_in_what_is_found() {
    let mut world = World::new().await;
    world.run(MANY).await;
    let always = world.note("everlasting").await;
    world.start();
    let first = world.built_after(0).await;
    world.agrees().await;

    let over = AtomicBool::new(false);
    let reading = async {
        let mut reads = 0;
        while !over.load(Ordering::Relaxed) {
            assert_eq!(world.found("everlasting").await, std::slice::from_ref(&always));
            reads += 1;
            tokio::task::yield_now().await;
        }
        reads
    };
    let writing = async {
        let mut writes = 0;
        while !over.load(Ordering::Relaxed) {
            world.note("written meanwhile").await;
            world.run("DELETE FROM notes WHERE id IN (SELECT id FROM notes WHERE text LIKE 'note %' LIMIT 5)").await;
            writes += 1;
        }
        writes
    };
    let reindexing = async {
        pipeline::request(&world.db, CONSUMER, NOTE).await.unwrap();
        let generation = world.built_after(first).await;
        over.store(true, Ordering::Relaxed);
        generation
    };
    let (reads, writes, generation) = tokio::join!(reading, writing, reindexing);
    assert!(reads > 0 && writes > 0, "{reads} reads, {writes} writes");
    assert_eq!(pipeline::requested(&world.db, CONSUMER).await.unwrap(), Vec::<String>::new());
    world.agrees().await;
    assert_eq!(world.engine.generations(NOTE).await.unwrap(), [generation]);
    world.stop().await;
}
