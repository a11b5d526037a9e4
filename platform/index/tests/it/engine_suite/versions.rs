//! Which write wins.

use index::document::{ID_BYTES_MAX, NAME_CHARS_MAX, NAMES_MAX, TAG_BYTES_MAX, TAGS_MAX, TEXT_BYTES_MAX, Unfit};
use index::engine::{BATCH_ITEMS_MAX, POSITION_BYTES_MAX, SCAN_MAX, VERSION_MAX};
use index::{Document, EngineError, Item, Reason, Written};

use super::{POST, World, delete, post, put, text};

fn stale(stale: usize) -> Written {
    Written { stale, refused: Vec::new() }
}

pub async fn a_replay_changes_nothing(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    let batch = vec![put(1, 5, text("a", "one", "en")), delete(1, 6, "b"), put(1, 7, post("c")), delete(1, 8, "c")];
    for _ in 0..2 {
        assert!(engine.write(batch.clone()).await.unwrap().refused.is_empty());
        engine.commit("8").await.unwrap();
        assert_eq!(world.held(1).await, [("a".to_owned(), 5)]);
    }
    // In part, and without a commit between.
    engine.write(batch[1..3].to_vec()).await.unwrap();
    engine.write(batch[..2].to_vec()).await.unwrap();
    engine.commit("8").await.unwrap();
    assert_eq!(world.held(1).await, [("a".to_owned(), 5)]);
}

pub async fn what_is_older_is_stale(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    engine.write(vec![put(1, 10, text("a", "new", "en"))]).await.unwrap();
    // Once against what is not committed yet, once against what is.
    for _ in 0..2 {
        assert_eq!(engine.write(vec![put(1, 9, text("a", "old", "en")), delete(1, 9, "a")]).await.unwrap(), stale(2));
        engine.commit("10").await.unwrap();
    }
    let held = engine.scan(POST, 1, None, 10).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].version, held[0].fingerprint), (10, text("a", "new", "en").fingerprint()));
    // The same version replaces: a later row of one transaction.
    assert_eq!(engine.write(vec![put(1, 10, text("a", "same", "en"))]).await.unwrap(), stale(0));
    engine.commit("10").await.unwrap();
    let held = engine.scan(POST, 1, None, 10).await.unwrap();
    assert_eq!(held[0].fingerprint, text("a", "same", "en").fingerprint());
}

pub async fn what_was_deleted_stays_deleted(world: World) {
    let engine = &world.engine;
    world.fill(POST, [text("a", "garden", "en")]).await;
    engine.write(vec![delete(1, 100, "a"), delete(1, 100, "never")]).await.unwrap();
    for _ in 0..2 {
        let old = vec![put(1, 99, text("a", "garden", "en")), put(1, 1, post("never"))];
        assert_eq!(engine.write(old).await.unwrap(), stale(2));
        engine.commit("100").await.unwrap();
        assert!(world.held(1).await.is_empty());
        assert_eq!(world.of_text("garden").await, Vec::<String>::new());
        assert_eq!(world.ids(&super::posts()).await, Vec::<String>::new());
    }
    assert_eq!(engine.write(vec![put(1, 101, text("a", "garden", "en"))]).await.unwrap(), stale(0));
    engine.commit("101").await.unwrap();
    assert_eq!(world.of_text("garden").await, ["a"]);
}

pub async fn items_of_a_batch_are_applied_in_their_order(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    let batch = vec![
        put(1, 1, text("a", "first", "en")),
        put(1, 3, text("a", "third", "en")),
        put(1, 2, text("a", "second", "en")),
        put(1, 4, post("b")),
        delete(1, 4, "b"),
        delete(1, 4, "c"),
        put(1, 4, post("c")),
    ];
    assert_eq!(engine.write(batch).await.unwrap(), stale(1));
    engine.commit("4").await.unwrap();
    assert_eq!(world.held(1).await, [("a".to_owned(), 3), ("c".to_owned(), 4)]);
}

pub async fn an_unfit_item_is_refused_alone(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    let unfit = Document { popularity: f64::NAN, ..post("bad") };
    let batch = vec![put(1, 1, post("a")), put(1, 2, unfit), put(1, VERSION_MAX + 1, post("c")), put(1, 3, post("d"))];
    let written = engine.write(batch).await.unwrap();
    let refused: Vec<_> = written.refused.iter().map(|r| (r.id.as_str(), r.version, r.reason.clone())).collect();
    assert_eq!(refused, [("bad", 2, Reason::Unfit(Unfit::Popularity)), ("c", VERSION_MAX + 1, Reason::Version)]);
    engine.commit("3").await.unwrap();
    assert_eq!(world.held(1).await, [("a".to_owned(), 1), ("d".to_owned(), 3)]);
}

pub async fn documents_end_at_their_limits(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    let full = |extra: usize, which: &str| {
        let more = |name: &str| if name == which { extra } else { 0 };
        Document {
            id: "i".repeat(ID_BYTES_MAX + more("id")),
            names: vec!["ä".repeat(NAME_CHARS_MAX + more("name")); NAMES_MAX + more("names")],
            text: "word ".repeat(TEXT_BYTES_MAX)[..TEXT_BYTES_MAX + more("text")].to_owned(),
            tags: vec!["t".repeat(TAG_BYTES_MAX + more("tag")); TAGS_MAX + more("tags")],
            audience: "p".repeat(TAG_BYTES_MAX + more("audience")),
            popularity: f64::MAX,
            ..post("")
        }
    };
    assert_eq!(engine.write(vec![put(1, VERSION_MAX, full(0, ""))]).await.unwrap(), stale(0));
    engine.commit("").await.unwrap();
    assert_eq!(world.held(1).await.len(), 1);
    for (which, reason) in [
        ("id", Unfit::Id),
        ("names", Unfit::TooManyNames),
        ("name", Unfit::Name),
        ("text", Unfit::Text),
        ("tags", Unfit::TooManyTags),
        ("tag", Unfit::Tag),
        ("audience", Unfit::Audience),
    ] {
        let written = engine.write(vec![put(1, 1, full(1, which))]).await.unwrap();
        assert_eq!(written.refused.len(), 1, "{which}");
        assert_eq!(written.refused[0].reason, Reason::Unfit(reason));
    }
    for empty in [post(""), Document { audience: String::new(), ..post("a") }] {
        assert_eq!(engine.write(vec![put(1, 1, empty)]).await.unwrap().refused.len(), 1);
    }
}

pub async fn batches_scans_and_positions_end_at_their_limits(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    let batch = |count: usize| -> Vec<Item> { (0..count).map(|n| put(1, 1, post(&n.to_string()))).collect() };
    assert_eq!(engine.write(batch(BATCH_ITEMS_MAX)).await.unwrap(), stale(0));
    assert!(matches!(engine.write(batch(BATCH_ITEMS_MAX + 1)).await, Err(EngineError::Limit)));
    engine.commit(&"p".repeat(POSITION_BYTES_MAX)).await.unwrap();
    assert!(matches!(engine.commit(&"p".repeat(POSITION_BYTES_MAX + 1)).await, Err(EngineError::Limit)));
    assert_eq!(engine.scan(POST, 1, None, SCAN_MAX).await.unwrap().len(), BATCH_ITEMS_MAX.min(SCAN_MAX));
    for limit in [0, SCAN_MAX + 1] {
        assert!(matches!(engine.scan(POST, 1, None, limit).await, Err(EngineError::Limit)));
    }
}

pub async fn a_scan_lists_what_is_held_in_the_order_of_ids(world: World) {
    let engine = &world.engine;
    engine.create(POST, 1).await.unwrap();
    // In several commits, so that engines have it in several places.
    for round in 0..3u64 {
        let items = (0..20).map(|n| put(1, round + 1, text(&format!("{}-{n}", (n + round) % 7), "word", "en")));
        engine.write(items.chain([delete(1, 9, &format!("{round}-0"))]).collect()).await.unwrap();
        engine.commit("x").await.unwrap();
    }
    let all = engine.scan(POST, 1, None, SCAN_MAX).await.unwrap();
    assert!(all.is_sorted_by(|a, b| a.id < b.id) && all.len() > 20, "{all:?}");
    assert!(all.iter().all(|held| !["0-0", "1-0", "2-0"].contains(&held.id.as_str())));
    assert!(all.iter().all(|held| held.fingerprint == text(&held.id, "word", "en").fingerprint()));
    let mut pieces = Vec::new();
    let mut after = None;
    loop {
        let piece = engine.scan(POST, 1, after.as_deref(), 7).await.unwrap();
        let Some(last) = piece.last() else { break };
        after = Some(last.id.clone());
        pieces.extend(piece);
    }
    assert_eq!(pieces, all);
}
