//! What becomes of a batch when OpenSearch does not simply take it.

use std::sync::Arc;

use index::{Document, Engine as _, EngineError, Item, Kind, Reason, Write};
use kernel::Timestamp;

use super::injector::{Injector, Reply, Sent, TRIES_MAX, each, fine, whole};

const POST: Kind = Kind::new("post");

fn put(id: &str, version: u64) -> Item {
    let document = Document {
        id: id.to_owned(),
        names: Vec::new(),
        text: format!("the text of {id}"),
        language: None,
        tags: Vec::new(),
        author: None,
        audience: "public".to_owned(),
        place: None,
        popularity: 0.0,
        created_at: Timestamp::default(),
    };
    Item { kind: POST, generation: 1, version, write: Write::Put(Arc::new(document)) }
}

fn delete(id: &str, version: u64) -> Item {
    Item { kind: POST, generation: 1, version, write: Write::Delete(id.to_owned()) }
}

fn ids(request: &[Sent]) -> Vec<&str> {
    request.iter().map(|sent| sent.id.as_str()).collect()
}

fn only(id: &'static str, status: u16, name: &'static str) -> Reply {
    each(move |one| if one.id == id { (status, Some(name)) } else { (200, None) })
}

#[tokio::test]
async fn stale_writes_and_deletions_of_nothing_are_fine() {
    let conflict = |one: &Sent| match one.id.as_str() {
        "old" => (409, Some("version_conflict_engine_exception")),
        "gone" => (404, None),
        _ => (201, None),
    };
    let injector = Injector::start(vec![], each(conflict)).await;
    let batch = vec![put("new", 7), put("old", 6), delete("gone", 8)];
    let written = injector.engine().write(batch).await.unwrap();
    assert_eq!((written.stale, written.refused), (1, vec![]));
    assert_eq!(injector.requests().len(), 1);
}

#[tokio::test]
async fn only_what_was_turned_away_is_sent_again() {
    let busy = only("b", 429, "rejected_execution_exception");
    let away = only("b", 503, "unavailable_shards_exception");
    let injector = Injector::start(vec![busy, away], fine()).await;
    let written = injector.engine().write(vec![put("a", 1), put("b", 1), put("c", 1)]).await.unwrap();
    assert_eq!(written, index::Written::default());
    let requests = injector.requests();
    assert_eq!(
        requests.iter().map(|request| ids(request)).collect::<Vec<_>>(),
        [vec!["a", "b", "c"], vec!["b"], vec!["b"]]
    );
}

#[tokio::test]
async fn a_wrong_item_is_refused_with_its_reason_and_the_others_are_taken() {
    let injector = Injector::start(vec![], only("b", 400, "mapper_parsing_exception")).await;
    let written = injector.engine().write(vec![put("a", 1), put("b", 2), put("c", 3)]).await.unwrap();
    let [refused] = written.refused.as_slice() else { panic!("{written:?}") };
    assert_eq!((refused.id.as_str(), refused.version), ("b", 2));
    assert_eq!(refused.reason, Reason::Engine("mapper_parsing_exception: injected".to_owned()));
    assert_eq!(injector.requests().len(), 1, "and is not tried again");
}

#[tokio::test]
async fn what_is_unfit_is_refused_before_it_is_sent() {
    let injector = Injector::start(vec![], fine()).await;
    let written = injector.engine().write(vec![put("", 1), put("a", u64::MAX), put("b", 1)]).await.unwrap();
    assert_eq!(written.refused.len(), 2);
    assert_eq!(injector.requests().iter().map(|request| ids(request)).collect::<Vec<_>>(), [["b"]]);
}

#[tokio::test]
async fn a_request_that_is_too_large_or_wrong_as_a_whole_is_halved_until_the_culprit_is_alone() {
    for status in [413, 400] {
        let reply: Reply = Box::new(move |sent| {
            let refuse = whole(status, "illegal_argument_exception");
            if sent.iter().any(|one| one.id == "5") { refuse(sent) } else { fine()(sent) }
        });
        let injector = Injector::start(vec![], reply).await;
        let batch = (0..9).map(|number| put(&number.to_string(), 1)).collect();
        let written = injector.engine().write(batch).await.unwrap();
        assert_eq!(written.refused.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["5"], "{status}");
        let taken: Vec<_> = injector.requests().into_iter().filter(|request| !ids(request).contains(&"5")).collect();
        let mut taken: Vec<_> = taken.iter().flat_map(|request| ids(request)).collect();
        taken.sort_unstable();
        assert_eq!(taken, ["0", "1", "2", "3", "4", "6", "7", "8"], "each once");
    }
}

#[tokio::test]
async fn a_busy_server_gets_smaller_requests() {
    let busy = whole(429, "circuit_breaking_exception");
    let injector = Injector::start(vec![busy], fine()).await;
    injector.engine().write((0..4).map(|number| put(&number.to_string(), 1)).collect()).await.unwrap();
    assert_eq!(injector.requests().iter().map(Vec::len).collect::<Vec<_>>(), [4, 2, 2]);
}

#[tokio::test]
async fn patience_ends() {
    type Expected = fn(&EngineError) -> bool;
    let cases: [(Reply, Expected); 4] = [
        (whole(503, "cluster_manager_not_discovered_exception"), |error| matches!(error, EngineError::Unavailable(_))),
        (whole(429, "circuit_breaking_exception"), |error| matches!(error, EngineError::Busy(_))),
        (only("a", 429, "rejected_execution_exception"), |error| matches!(error, EngineError::Busy(_))),
        // A full disk: no fault of the document's.
        (only("a", 403, "cluster_block_exception"), |error| matches!(error, EngineError::Busy(_))),
    ];
    for (reply, expected) in cases {
        let injector = Injector::start(vec![], reply).await;
        let error = injector.engine().write(vec![put("a", 1)]).await.unwrap_err();
        assert!(expected(&error), "{error}");
        assert!(error.is_temporary());
        assert_eq!(injector.requests().len(), TRIES_MAX as usize, "{error}");
    }
}

#[tokio::test]
async fn what_no_waiting_will_cure_fails_at_once() {
    let garbled: Reply = Box::new(|_| (200, serde_json::json!({"errors": false, "items": []})));
    for reply in [whole(401, "security_exception"), whole(403, "security_exception"), garbled] {
        let injector = Injector::start(vec![], reply).await;
        let error = injector.engine().write(vec![put("a", 1)]).await.unwrap_err();
        assert!(matches!(error, EngineError::Broken(_)), "{error}");
        assert_eq!(injector.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_write_into_an_index_that_is_gone_says_which() {
    let injector = Injector::start(vec![], only("b", 404, "index_not_found_exception")).await;
    for item in [put("b", 1), delete("b", 1)] {
        let error = injector.engine().write(vec![put("a", 1), item]).await.unwrap_err();
        assert!(matches!(error, EngineError::NoGeneration { kind: POST, generation: 1 }), "{error}");
    }
    let mut item = put("a", 1);
    item.generation = 2;
    let sent = injector.requests().len();
    let error = injector.engine().write(vec![put("b", 1), item]).await.unwrap_err();
    assert!(matches!(error, EngineError::NoGeneration { generation: 2, .. }), "{error}");
    assert_eq!(injector.requests().len(), sent, "nothing of the batch is written");
}

#[tokio::test]
async fn writes_of_one_document_keep_their_order() {
    // If they went together, the first, sent again, would come after the second.
    let injector = Injector::start(vec![only("a", 429, "rejected_execution_exception")], fine()).await;
    injector.engine().write(vec![put("a", 1), delete("a", 1), put("b", 1)]).await.unwrap();
    let requests = injector.requests();
    let last = requests.iter().flatten().rfind(|sent| sent.id == "a").unwrap();
    assert!(last.delete, "{requests:?}");
}

#[tokio::test]
async fn a_full_request_is_followed_by_another() {
    for (items, expected) in [(2_000, vec![2_000]), (2_001, vec![1, 2_000])] {
        let injector = Injector::start(vec![], fine()).await;
        injector.engine().write((0..items).map(|number| put(&number.to_string(), 1)).collect()).await.unwrap();
        let mut sizes: Vec<_> = injector.requests().iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, expected);
    }
}
