//! Building beside what is live, and changing over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use index::EngineError;

use super::{PERSON, POST, World, delete, post, posts, put, text};

pub async fn a_kind_without_a_live_generation_has_no_hits(world: World) {
    let engine = &world.engine;
    assert_eq!(engine.live(POST).await.unwrap(), None);
    assert!(engine.generations(POST).await.unwrap().is_empty());
    assert_eq!(world.ids(&posts()).await, Vec::<String>::new());
    engine.create(POST, 1).await.unwrap();
    engine.write(vec![put(1, 1, post("a"))]).await.unwrap();
    engine.commit("1").await.unwrap();
    assert_eq!(world.ids(&posts()).await, Vec::<String>::new());
    engine.swap(POST, 1).await.unwrap();
    let both = index::Query { kinds: vec![PERSON, POST], ..posts() };
    assert_eq!(world.ids(&both).await, ["a"]);
}

pub async fn generations_do_not_know_each_other(world: World) {
    let engine = &world.engine;
    for generation in [3, 1] {
        engine.create(POST, generation).await.unwrap();
        engine.create(POST, generation).await.unwrap();
    }
    engine.create(PERSON, 7).await.unwrap();
    assert_eq!(engine.generations(POST).await.unwrap(), [1, 3]);
    engine.write(vec![put(1, 9, text("a", "one", "en")), put(3, 5, post("a")), delete(3, 8, "b")]).await.unwrap();
    assert_eq!(engine.write(vec![put(1, 7, post("b")), put(3, 7, post("b"))]).await.unwrap().stale, 1);
    engine.commit("9").await.unwrap();
    assert_eq!(world.held(1).await, [("a".to_owned(), 9), ("b".to_owned(), 7)]);
    assert_eq!(world.held(3).await, [("a".to_owned(), 5)]);
    // Creating what is there keeps what it holds.
    engine.create(POST, 1).await.unwrap();
    assert_eq!(world.held(1).await.len(), 2);

    let unknown = engine.write(vec![put(1, 10, post("c")), put(2, 10, post("c"))]).await;
    assert!(matches!(unknown, Err(EngineError::NoGeneration { generation: 2, .. })), "{unknown:?}");
    engine.commit("10").await.unwrap();
    assert_eq!(world.held(1).await.len(), 2, "nothing of the batch was written");
    assert!(matches!(engine.swap(POST, 2).await, Err(EngineError::NoGeneration { .. })));
    assert!(matches!(engine.scan(POST, 2, None, 1).await, Err(EngineError::NoGeneration { .. })));
}

pub async fn swapping_leaves_no_gap(world: World) {
    const DOCUMENTS: usize = 50;
    let documents = || (0..DOCUMENTS).map(|n| text(&format!("{n:02}"), "garden", "en"));
    world.fill(POST, documents()).await;
    let world = Arc::new(world);
    let done = Arc::new(AtomicBool::new(false));
    let searcher = tokio::spawn({
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        async move {
            while !done.load(Ordering::Acquire) {
                assert_eq!(world.of_text("garden").await.len(), DOCUMENTS);
            }
        }
    });
    for generation in 2..6 {
        world.engine.create(POST, generation).await.unwrap();
        world.engine.write(documents().map(|document| put(generation, 1, document)).collect()).await.unwrap();
        world.engine.commit("built").await.unwrap();
        world.engine.swap(POST, generation).await.unwrap();
        assert_eq!(world.engine.live(POST).await.unwrap(), Some(generation));
        world.engine.drop_generation(POST, generation - 1).await.unwrap();
    }
    done.store(true, Ordering::Release);
    searcher.await.unwrap();
    assert_eq!(world.of_text("garden").await.len(), DOCUMENTS);
    assert_eq!(world.engine.generations(POST).await.unwrap(), [5]);
}

pub async fn the_live_one_is_not_dropped(world: World) {
    let engine = &world.engine;
    world.fill(POST, [post("a")]).await;
    assert!(matches!(engine.drop_generation(POST, 1).await, Err(EngineError::Live { generation: 1, .. })));
    engine.drop_generation(POST, 2).await.unwrap();
    engine.create(POST, 2).await.unwrap();
    engine.write(vec![put(2, 1, post("b"))]).await.unwrap();
    engine.commit("2").await.unwrap();
    engine.drop_generation(POST, 2).await.unwrap();
    // Made again, it is empty, and remembers no versions.
    engine.create(POST, 2).await.unwrap();
    assert!(world.held(2).await.is_empty());
    assert_eq!(world.ids(&posts()).await, ["a"]);
}

pub async fn a_position_is_of_what_was_committed(world: World) {
    let engine = &world.engine;
    engine.probe().await.unwrap();
    assert_eq!(engine.position().await.unwrap(), None);
    engine.create(POST, 1).await.unwrap();
    engine.write(vec![put(1, 1, post("a"))]).await.unwrap();
    for position in ["1", "2 with \"quotes\"", "2 with \"quotes\""] {
        engine.commit(position).await.unwrap();
        let kept = engine.position().await.unwrap();
        assert_eq!(kept.as_deref(), engine.keeps_position().then_some(position));
    }
    engine.write(vec![put(1, 2, post("b"))]).await.unwrap();
    let kept = engine.position().await.unwrap();
    assert_ne!(kept.as_deref(), Some("3"));
    engine.commit("3").await.unwrap();
    assert_eq!(world.held(1).await.len(), 2);
}
