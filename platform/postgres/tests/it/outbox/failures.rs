//! What fails holds up its own key only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postgres::{outbox, testing};

use super::{Office, Recorder};

#[tokio::test]
async fn a_failing_event_holds_up_its_own_key_only_and_ends_aside() {
    let office = Office::open().await;
    let (recorder, other) = (&office.recorder, Arc::new(Recorder::named("other")));
    *other.healed.lock().unwrap() = true;
    let dispatch = office.dispatch(Some(&other));
    office.write("bad", 1).await;
    office.write("bad", 2).await;
    office.write("good", 1).await;
    for round in 0..10 {
        assert!(office.deliver(&dispatch).await > 0, "round {round}");
        if round == 0 {
            office.write("bad", 3).await;
            office.write("good", 2).await;
            office.deliver(&dispatch).await;
        }
        if round < 9 {
            assert_eq!(dispatch.deliver_once().await.unwrap(), 0, "not due before its time");
        }
        office.clock.advance(Duration::from_secs(61));
    }
    assert_eq!((recorder.of("good"), other.of("good")), (vec![1, 2], vec![1, 2]));
    assert_eq!(other.of("bad"), [1, 2, 3], "another consumer has nothing to do with it");
    assert_eq!(recorder.of("bad"), [1; 10]);
    assert_eq!(office.dead().await, 1);
    assert_eq!(dispatch.deliver_once().await.unwrap(), 1);
    assert_eq!(recorder.of("bad")[10..], [2], "the next of its key follows when the dead one is out of the way");
    assert_eq!(office.events().await, 2, "what waits is kept");

    // Somebody mends it, and has the dead one again.
    *recorder.healed.lock().unwrap() = true;
    let (last, all) = outbox::dead(&office.db, Some("recorder"), 10).await.unwrap();
    assert_eq!((last.len(), all, last[0].tries, last[0].error.as_str()), (1, 1, 10, "refused"));
    assert_eq!(outbox::replay(&office.db, Some("other"), None, office.clock.now()).await.unwrap(), 0);
    assert_eq!(outbox::replay(&office.db, Some("recorder"), Some(last[0].id), office.clock.now()).await.unwrap(), 1);
    assert_eq!(office.dead().await, 0);
    office.clock.advance(Duration::from_secs(61));
    office.deliver_all(&dispatch).await;
    assert_eq!(recorder.of("bad")[11..], [2, 3, 1], "a replay comes behind what is written by then");
    assert_eq!(other.of("bad"), [1, 2, 3], "and only to the one that it failed at");
    assert_eq!((office.events().await, dispatch.is_done().await.unwrap()), (0, true));
}

#[tokio::test]
async fn a_consumer_that_panics_is_one_that_fails() {
    let office = Office::open().await;
    let (recorder, dispatch) = (&office.recorder, office.dispatch(None));
    office.write("panic", 1).await;
    office.write("ada", 1).await;
    assert_eq!(office.deliver(&dispatch).await, 2);
    assert_eq!(recorder.of("ada"), [1]);
    assert_eq!(office.count("SELECT count(*) FROM event_retries WHERE error = 'it panicked'").await, 1);
}

#[tokio::test]
async fn many_keys_in_many_turns_stay_in_order_with_failures_among_them() {
    let office = Office::open().await;
    let (recorder, dispatch) = (&office.recorder, office.dispatch(None));
    for n in 0..30 {
        for key in ["ada", "bad ben", "cleo", "dana", "bad eve"] {
            office.write(key, n).await;
        }
    }
    testing::number_events(&office.db).await;
    for _ in 0..3 {
        while dispatch.deliver_once().await.unwrap() > 0 {}
        office.clock.advance(Duration::from_secs(61));
    }
    *recorder.healed.lock().unwrap() = true;
    while !dispatch.is_done().await.unwrap() {
        dispatch.deliver_once().await.unwrap();
    }
    dispatch.tidy().await.unwrap();
    let seen = recorder.seen.lock().unwrap().clone();
    let mut last: HashMap<String, i64> = HashMap::new();
    for (key, n) in seen {
        let before = last.insert(key.clone(), n).unwrap_or(-1);
        assert!(n == before || n == before + 1, "{key}: {n} after {before}");
    }
    assert!(last.values().all(|n| *n == 29), "{last:?}");
    assert_eq!(office.events().await, 0);
}
