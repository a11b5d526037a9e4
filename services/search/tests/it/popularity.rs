//! Who and what is counted anew, and when.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ContentId, ContentKind, EventId, Problem, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::outbox::{Consumer as _, Delivery};
use search::{AT_ONCE, Popularity, Recounter};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Who and what was asked for, question by question.
#[derive(Default)]
struct Asked {
    people: Mutex<Vec<Vec<UserId>>>,
    contents: Mutex<Vec<Vec<ContentId>>>,
}

#[async_trait]
impl Popularity for Asked {
    async fn people(&self, ids: &[UserId]) -> Result<(), Problem> {
        self.people.lock().push(ids.to_vec());
        Ok(())
    }

    async fn contents(&self, ids: &[ContentId]) -> Result<(), Problem> {
        self.contents.lock().push(ids.to_vec());
        Ok(())
    }
}

fn event(kind: &str, payload: Value) -> Delivery {
    let (kind, key) = (kind.to_owned(), String::new());
    Delivery { id: EventId::new(NOW), kind, key, payload, trace: None, created_at: NOW, tries: 0 }
}

#[tokio::test]
async fn what_many_events_name_is_counted_once() {
    let asked = Arc::new(Asked::default());
    let recounter = Recounter::new(asked.clone());
    let (ada, ben, post) = (UserId::new(NOW), UserId::new(NOW), ContentId::new(ContentKind::Post, NOW));
    let reacted = |_| event("engagement.changed", json!({ "content": post, "author": ada, "user": ben, "on": true }));
    let events: Vec<Delivery> = (0..AT_ONCE).map(reacted).collect();
    recounter.consume_all(&events.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(*asked.contents.lock(), [[post]]);
    assert!(asked.people.lock().is_empty());

    recounter.consume(&event("follow.created", json!({ "source": ben, "target": ada }))).await.unwrap();
    recounter.consume(&event("follow.removed", json!({ "source": ada, "target": ben }))).await.unwrap();
    assert_eq!(*asked.people.lock(), [[ada], [ben]], "whom somebody follows, not who follows");
    assert_eq!(asked.contents.lock().len(), 1);
}

#[tokio::test]
async fn nothing_else_makes_popular() {
    let recounter = Recounter::new(Arc::new(Asked::default()));
    for kind in ["engagement.changed", "follow.created", "follow.removed"] {
        assert!(recounter.wants(kind), "{kind}");
    }
    for kind in ["follow.requested", "follow.accepted", "content.created", "block.created"] {
        assert!(!recounter.wants(kind), "{kind}");
    }
}
