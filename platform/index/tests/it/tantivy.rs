//! What only the engine inside the process has: a folder that survives, a lock, readers beside the writer.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use index::engine::DELETION_KEPT;
use index::engine::tantivy::{Settings, Tantivy};
use index::{Document, Engine, EngineError, Item, Order, Query, Write};
use kernel::{Clock, Timestamp};

use crate::engine_suite::{POST, THEN, delete, post, posts, put, text};

/// How long a reader may take to see a commit.
const SEEN_WITHIN: Duration = Duration::from_secs(60);
/// Tells the child of [`a_killed_writer_loses_nothing_that_was_committed`] where to write.
const CHILD_FOLDER: &str = "PLAZA_TEST_INDEX_CHILD_FOLDER";

fn settings(folder: &Path) -> Settings {
    Settings { folder: folder.to_owned(), writer_memory_mb: 15 }
}

fn open(folder: &Path) -> Tantivy {
    Tantivy::open(settings(folder), Clock::manual(THEN)).unwrap()
}

async fn count(engine: &Tantivy) -> usize {
    engine.search(&posts()).await.unwrap().hits.len()
}

#[tokio::test]
async fn everything_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    for generation in [1, 2] {
        engine.create(POST, generation).await.unwrap();
    }
    engine.write(vec![put(1, 5, text("a", "garden", "en")), delete(1, 6, "b"), put(2, 5, post("c"))]).await.unwrap();
    engine.commit("6").await.unwrap();
    engine.swap(POST, 1).await.unwrap();
    engine.write(vec![put(1, 7, post("lost"))]).await.unwrap();
    drop(engine);

    let engine = open(folder.path());
    assert_eq!(engine.position().await.unwrap().as_deref(), Some("6"));
    assert_eq!((engine.live(POST).await.unwrap(), engine.generations(POST).await.unwrap()), (Some(1), vec![1, 2]));
    assert_eq!(count(&engine).await, 1);
    assert_eq!(engine.write(vec![put(1, 4, post("a")), put(1, 5, post("b"))]).await.unwrap().stale, 2);
}

#[tokio::test]
async fn a_second_writer_is_told_who_holds_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    match Tantivy::open(settings(folder.path()), Clock::system()) {
        Err(EngineError::Locked { holder, folder: told }) => {
            assert_eq!(holder, format!("process {}", std::process::id()));
            assert_eq!(told, folder.path().display().to_string());
        }
        other => panic!("{:?}", other.err()),
    }
    drop(engine);
    open(folder.path());
}

#[tokio::test]
async fn another_process_reads_what_is_committed_and_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let reader = Tantivy::read_only(settings(folder.path()), Clock::system()).unwrap();
    assert_eq!(count(&reader).await, 0);
    assert!(matches!(reader.write(vec![put(1, 1, post("a"))]).await, Err(EngineError::ReadOnly)));

    let engine = open(folder.path());
    engine.create(POST, 1).await.unwrap();
    engine.write(vec![put(1, 1, post("a"))]).await.unwrap();
    engine.commit("1").await.unwrap();
    engine.swap(POST, 1).await.unwrap();
    // What a manifest names is there at once.
    assert_eq!(count(&reader).await, 1);
    engine.write(vec![put(1, 2, post("b"))]).await.unwrap();
    engine.commit("2").await.unwrap();
    let begun = Instant::now();
    while count(&reader).await != 2 {
        assert!(begun.elapsed() < SEEN_WITHIN, "the reader does not see the commit");
        tokio::task::yield_now().await;
    }
    for generation in 2..5 {
        engine.create(POST, generation).await.unwrap();
        engine.write(vec![put(generation, 1, post("a")); generation as usize]).await.unwrap();
        engine.commit("3").await.unwrap();
        engine.swap(POST, generation).await.unwrap();
        engine.drop_generation(POST, generation - 1).await.unwrap();
        assert_eq!(count(&reader).await, 1);
        assert_eq!(reader.live(POST).await.unwrap(), Some(generation));
    }
}

#[tokio::test]
async fn what_a_crash_left_over_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(POST, 1).await.unwrap();
    drop(engine);
    // As if the process had died between making a folder and naming it.
    std::fs::create_dir(folder.path().join("post-2")).unwrap();
    std::fs::write(folder.path().join("post-2/meta.json"), "half").unwrap();
    let engine = open(folder.path());
    assert!(!folder.path().join("post-2").exists() && folder.path().join("post-1").exists());
    engine.create(POST, 2).await.unwrap();
    assert_eq!(engine.generations(POST).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn an_index_of_another_format_is_begun_anew_and_a_damaged_one_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(POST, 1).await.unwrap();
    engine.commit("1").await.unwrap();
    drop(engine);
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, r#"{"format":0,"anything":true}"#).unwrap();
    let engine = open(folder.path());
    assert_eq!(engine.position().await.unwrap(), None);
    assert!(engine.generations(POST).await.unwrap().is_empty());
    drop(engine);
    std::fs::write(&manifest, "{").unwrap();
    let error = Tantivy::open(settings(folder.path()), Clock::system()).err().unwrap();
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[tokio::test]
async fn deletions_are_forgotten_only_when_nothing_can_be_older() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(THEN);
    let engine = Tantivy::open(settings(folder.path()), clock.clone()).unwrap();
    engine.create(POST, 1).await.unwrap();
    engine.write(vec![delete(1, 9, "a"), put(1, 9, post("b"))]).await.unwrap();
    engine.commit("9").await.unwrap();
    clock.advance(DELETION_KEPT);
    engine.commit("10").await.unwrap();
    assert_eq!(engine.write(vec![put(1, 8, post("a"))]).await.unwrap().stale, 1);
    clock.advance(Duration::from_secs(3601));
    engine.commit("11").await.unwrap();
    assert_eq!(engine.write(vec![put(1, 8, post("a")), put(1, 8, post("b"))]).await.unwrap().stale, 1);
}

/// Writes for ever: round n replaces ten documents and adds one, then commits, then says so.
#[tokio::test]
async fn writing_child() {
    use std::io::Write as _;
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let engine = open(Path::new(&folder));
    engine.create(POST, 1).await.unwrap();
    engine.swap(POST, 1).await.unwrap();
    let begin: u64 = engine.position().await.unwrap().map_or(0, |position| position.parse().unwrap());
    for round in begin + 1.. {
        let shared = (0..10).map(|n| put(1, round, text(&format!("shared-{n}"), &format!("round{round}"), "en")));
        let own = put(
            1,
            round,
            Document { created_at: Timestamp::from_millis(round as i64), ..post(&format!("own-{round:05}")) },
        );
        let batch: Vec<Item> = shared.chain([own]).collect();
        assert!(batch.iter().all(|item| matches!(item.write, Write::Put(_))));
        engine.write(batch).await.unwrap();
        engine.commit(&round.to_string()).await.unwrap();
        writeln!(std::io::stderr(), "committed {round}").unwrap();
    }
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let mut committed = 0u64;
    for rounds in [3, 1, 7, 2] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writing_child", "--nocapture", "--test-threads=1"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok());
        let last = said.take(rounds).last().expect("the child commits");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(last > committed);
        committed = last;

        // The lock of the dead is free, and all it committed is there: at most one round more than it said.
        let engine = open(folder.path());
        let position: u64 = engine.position().await.unwrap().unwrap().parse().unwrap();
        assert!(position >= committed, "{position} {committed}");
        committed = position;
        let own = engine.scan(POST, 1, Some("own-"), 10_000).await.unwrap();
        let own: Vec<u64> = own.iter().filter_map(|held| held.id.strip_prefix("own-")?.parse().ok()).collect();
        let whole: Vec<u64> = (1..=own.len() as u64).collect();
        assert!(own == whole && own.len() as u64 >= committed, "{own:?} at {committed}");
        for n in 0..10 {
            let held = engine.scan(POST, 1, Some(&format!("shared-{n}")[..7]), 100).await.unwrap();
            assert_eq!(held.iter().filter(|held| held.id == format!("shared-{n}")).count(), 1);
            assert!(held.iter().all(|held| held.version >= committed || held.id.starts_with("own")));
        }
    }
}

#[tokio::test]
async fn deletions_are_met_by_no_search() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.create(POST, 1).await.unwrap();
    engine.write((0..1000).map(|n| delete(1, 1, &n.to_string())).collect()).await.unwrap();
    engine.commit("1").await.unwrap();
    engine.swap(POST, 1).await.unwrap();
    let query = Query { order: Order::Relevance { now: Some(THEN) }, ..posts() };
    assert!(engine.search(&query).await.unwrap().hits.is_empty());
    assert!(engine.scan(POST, 1, None, 10).await.unwrap().is_empty());
}
