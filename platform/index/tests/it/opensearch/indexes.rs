//! How documents are kept in a real OpenSearch.

use std::sync::Arc;

use index::engine::opensearch::OpenSearch;
use index::{Document, Engine, EngineError, Generation, Item, Kind, Query, Write};
use kernel::Timestamp;
use opensearch::http::Method;

use super::server;

const POST: Kind = Kind::new("post");

fn put(generation: Generation, id: usize, version: u64) -> Item {
    let document = Document {
        id: id.to_string(),
        names: Vec::new(),
        text: format!("number {id} of many"),
        language: None,
        tags: Vec::new(),
        author: None,
        audience: "public".to_owned(),
        place: None,
        popularity: 0.0,
        created_at: Timestamp::default(),
    };
    Item { kind: POST, generation, version, write: Write::Put(Arc::new(document)) }
}

async fn found(engine: &OpenSearch) -> usize {
    engine.search(&Query::new([POST], 200)).await.unwrap().hits.len()
}

#[tokio::test]
async fn an_index_is_made_as_versions_and_readers_need_it() {
    let settings = server::fresh().await;
    let engine = OpenSearch::new(&settings).unwrap();
    engine.create(POST, 3).await.unwrap();
    engine.create(POST, 3).await.unwrap();
    let index = format!("{}post-3", settings.prefix);
    let about = &server::ask(Method::Get, &format!("/{index}")).await[&index];
    assert_eq!(about["mappings"]["dynamic"], "strict");
    assert_eq!(about["settings"]["index"]["gc_deletes"], "86400s");
    assert!(about["aliases"][format!("{index}-write")].is_object());
    assert_eq!(engine.live(POST).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_into_a_generation_that_another_process_dropped_makes_no_index() {
    let settings = server::fresh().await;
    let (writer, other) = (OpenSearch::new(&settings).unwrap(), OpenSearch::new(&settings).unwrap());
    writer.create(POST, 1).await.unwrap();
    writer.write(vec![put(1, 1, 1)]).await.unwrap();
    other.drop_generation(POST, 1).await.unwrap();
    let error = writer.write(vec![put(1, 1, 2)]).await.unwrap_err();
    assert!(matches!(error, EngineError::NoGeneration { generation: 1, .. }), "{error}");
    assert_eq!(other.generations(POST).await.unwrap(), Vec::<Generation>::new());
}

#[tokio::test]
async fn what_an_earlier_process_wrote_is_visible_after_the_first_commit() {
    let settings = server::fresh().await;
    let (earlier, later) = (OpenSearch::new(&settings).unwrap(), OpenSearch::new(&settings).unwrap());
    earlier.create(POST, 1).await.unwrap();
    earlier.swap(POST, 1).await.unwrap();
    earlier.write(vec![put(1, 1, 1)]).await.unwrap();
    drop(earlier);
    later.commit("").await.unwrap();
    assert_eq!(found(&later).await, 1);
}

#[tokio::test]
async fn neighbours_on_one_server_do_not_meet() {
    let (ours, theirs) = (server::engine().await, server::engine().await);
    for engine in [&ours, &theirs] {
        engine.create(POST, 1).await.unwrap();
        engine.swap(POST, 1).await.unwrap();
    }
    ours.write(vec![put(1, 1, 1)]).await.unwrap();
    ours.commit("").await.unwrap();
    assert_eq!((found(&ours).await, found(&theirs).await), (1, 0));
}

#[tokio::test]
async fn searches_find_everything_while_generations_come_and_go() {
    const DOCUMENTS: usize = 20;
    const GENERATIONS: Generation = 12;
    let engine = Arc::new(server::engine().await);
    let make = |generation| {
        let engine = engine.clone();
        async move {
            engine.create(POST, generation).await.unwrap();
            engine.write((0..DOCUMENTS).map(|id| put(generation, id, 1)).collect()).await.unwrap();
            engine.swap(POST, generation).await.unwrap();
        }
    };
    make(1).await;
    let reader = tokio::spawn({
        let engine = engine.clone();
        async move {
            while engine.live(POST).await.unwrap() != Some(GENERATIONS) {
                assert_eq!(found(&engine).await, DOCUMENTS);
            }
        }
    });
    for generation in 2..=GENERATIONS {
        make(generation).await;
        engine.drop_generation(POST, generation - 1).await.unwrap();
    }
    reader.await.unwrap();
}

#[tokio::test]
async fn a_batch_of_more_bytes_than_a_request_carries_arrives_whole() {
    let engine = server::engine().await;
    engine.create(POST, 1).await.unwrap();
    let long = "word ".repeat(12_000);
    let batch = (0..120).map(|id| {
        let mut item = put(1, id, 9);
        if let Write::Put(document) = &mut item.write {
            Arc::make_mut(document).text.clone_from(&long);
        }
        item
    });
    let written = engine.write(batch.collect()).await.unwrap();
    assert_eq!(written, index::Written::default());
    let held = engine.scan(POST, 1, None, 1_000).await.unwrap();
    assert_eq!((held.len(), held.iter().all(|held| held.version == 9)), (120, true));
}
