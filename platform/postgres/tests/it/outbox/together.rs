//! Consumers that take several events at once.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postgres::outbox::{ConsumeError, Consumer, Delivery};

use super::Office;

/// Takes up to four events at once; refuses, alone and in company, what is `bad`.
#[derive(Default)]
struct Crate {
    taken: Mutex<Vec<Vec<i64>>>,
    alone: Mutex<Vec<i64>>,
}

#[async_trait]
impl Consumer for Crate {
    fn name(&self) -> &'static str {
        "crate"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "thing.changed"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        if event.key.starts_with("bad") {
            return Err("refused".into());
        }
        self.alone.lock().unwrap().push(event.payload["n"].as_i64().unwrap());
        Ok(())
    }

    fn at_once(&self) -> usize {
        4
    }

    async fn consume_all(&self, events: &[&Delivery]) -> Result<(), ConsumeError> {
        assert!(!events.iter().any(|event| event.key.starts_with("panic")), "as asked");
        if events.iter().any(|event| event.key.starts_with("bad")) {
            return Err("refused".into());
        }
        self.taken.lock().unwrap().push(events.iter().map(|event| event.payload["n"].as_i64().unwrap()).collect());
        Ok(())
    }
}

#[tokio::test]
async fn events_of_different_keys_are_taken_together_and_those_of_one_key_in_order() {
    let office = Office::open().await;
    for n in 0..9 {
        office.write(&format!("thing {n}"), n).await;
    }
    for n in 10..13 {
        office.write("ada", n).await;
    }
    let taker = Arc::new(Crate::default());
    let dispatch = office.dispatch_to([taker.clone()]);
    assert_eq!(office.deliver(&dispatch).await, 12);
    let mut taken = taker.taken.lock().unwrap().clone();
    taken.sort();
    assert_eq!(taken, [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
    let alone = taker.alone.lock().unwrap().clone();
    assert_eq!(alone.iter().filter(|n| **n >= 10).copied().collect::<Vec<_>>(), [10, 11, 12]);
    assert!(alone.contains(&8), "the last of a batch of one");
    assert!(dispatch.is_done().await.unwrap());
}

#[tokio::test]
async fn what_fails_in_company_is_tried_alone_and_takes_no_other_with_it() {
    for bad in ["bad", "panic"] {
        let office = Office::open().await;
        for key in ["ada", bad, "ben", "cleo"] {
            office.write(key, key.len() as i64).await;
        }
        let taker = Arc::new(Crate::default());
        let dispatch = office.dispatch_to([taker.clone()]);
        assert_eq!(office.deliver(&dispatch).await, 4);
        assert!(taker.taken.lock().unwrap().is_empty());
        let alone = taker.alone.lock().unwrap().len();
        assert_eq!(alone, if bad == "bad" { 3 } else { 4 });
        assert_eq!(office.count("SELECT count(*) FROM event_retries").await, if bad == "bad" { 1 } else { 0 });
    }
}
