//! A creating request that is repeated creates nothing twice.

use std::time::Duration;

use http::Method;
use web::idempotency::{KEPT, KEY_BYTES_MAX};
use web::testing::Ask;

use crate::world::{World, note};

fn keyed(key: &str, text: &str) -> Ask {
    note(format!(r#"{{"text":"{text}"}}"#)).key(key)
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let first = world.send(keyed("k", "x")).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None));
    let again = world.send(keyed("k", "x")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((again.body, again.headers.get("content-type")), (first.body, first.headers.get("content-type")));
    assert_eq!(world.created(), 1);

    // No key, another key, another caller: other requests.
    for ask in [
        note(r#"{"text":"x"}"#),
        keyed("k2", "x"),
        keyed("k", "x").header("authorization", "Bearer ben"),
        Ask::new(Method::POST, "/v1/accounts").json(r#"{"text":"x"}"#).key("k"),
    ] {
        assert_eq!(world.send(ask).await.header("idempotency-replayed"), None);
    }
    assert_eq!(world.created(), 5);
}

#[tokio::test]
async fn guests_are_told_apart_by_address() {
    let world = World::new().await;
    let sign_up = || Ask::new(Method::POST, "/v1/accounts").json(r#"{"text":"x"}"#).key("k");
    let first = world.send(sign_up()).await;
    assert_eq!(world.send(sign_up()).await.body, first.body);
    let other = world.send(sign_up().from("192.0.2.1:1")).await;
    assert_ne!(other.body, first.body);
    assert_eq!(world.created(), 2);
    let stranger = world.send(sign_up().header("authorization", "Bearer mallory")).await;
    assert_eq!(stranger.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let world = World::new().await;
    assert_eq!(world.send(keyed("k", "x")).await.status, 201);
    assert_eq!(world.send(keyed("k", "y")).await.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(world.created(), 1);
}

#[tokio::test]
async fn refusals_are_kept_and_failures_of_ours_are_not() {
    let world = World::new().await;
    let first = world.send(keyed("taken", "taken").header("x-request-id", "first")).await;
    let again = world.send(keyed("taken", "taken").header("x-request-id", "again")).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let (mut first, again) = (first.document(), again.document());
    first.request_id = again.request_id.clone();
    assert_eq!(first, again);
    for text in ["broken", "panic"] {
        for _ in 0..2 {
            let answer = world.send(keyed(text, text)).await;
            assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (500, None));
        }
    }
}

#[tokio::test]
async fn a_repeat_during_the_first_is_told_to_wait_also_when_the_first_client_hung_up() {
    let world = World::new().await;
    let first = tokio::spawn(world.sending(keyed("k", "slow")));
    world.notes.begun.notified().await;
    let answer = world.send(keyed("k", "slow")).await;
    assert_eq!(answer.problem(), (409, "idempotency_in_progress".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(world.send(keyed("k", "other")).await.problem().1, "idempotency_key_reused");

    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    world.notes.proceed.notify_one();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let answer = world.send(keyed("k", "slow")).await;
        if answer.status == 201 {
            assert_eq!(answer.header("idempotency-replayed"), Some("true"));
            break;
        }
        assert_eq!(answer.problem().1, "idempotency_in_progress");
        assert!(tokio::time::Instant::now() < deadline, "the first request never ended");
        tokio::task::yield_now().await;
    }
    assert_eq!(world.created(), 1);
}

#[tokio::test]
async fn only_one_of_many_at_once_creates() {
    let world = World::new().await;
    let asks: Vec<_> = (0..20).map(|_| tokio::spawn(world.sending(keyed("k", "x")))).collect();
    for ask in asks {
        let answer = ask.await.expect("an answer");
        assert!(matches!(answer.status.as_u16(), 201 | 409), "{answer:?}");
    }
    assert_eq!(world.created(), 1);
    assert_eq!(world.send(keyed("k", "x")).await.status, 201);
}

#[tokio::test]
async fn an_attempt_that_died_is_taken_over_after_its_lease() {
    let world = World::new().await;
    let first = tokio::spawn(world.sending(keyed("k", "slow")));
    world.notes.begun.notified().await;
    // As if the node had died: nobody will write the first answer down.
    world.clock.advance(Duration::from_secs(30 + 15 - 1));
    assert_eq!(world.send(keyed("k", "slow")).await.problem().1, "idempotency_in_progress");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.send(keyed("k", "other")).await.problem().1, "idempotency_key_reused");
    let second = tokio::spawn(world.sending(keyed("k", "slow")));
    world.notes.begun.notified().await;
    world.notes.proceed.notify_waiters();
    let (first, second) = (first.await.expect("an answer"), second.await.expect("an answer"));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    // The late first one does not overwrite what the second one wrote.
    assert_eq!(world.send(keyed("k", "slow")).await.body, second.body);
}

#[tokio::test]
async fn answers_are_kept_for_a_day_and_then_swept() {
    let world = World::new().await;
    assert_eq!(world.send(keyed("k", "x")).await.status, 201);
    world.clock.advance(KEPT - Duration::from_millis(1));
    assert_eq!(world.send(keyed("k", "x")).await.header("idempotency-replayed"), Some("true"));
    assert_eq!(world.keys.sweep(world.clock.now()).await.expect("a sweep"), 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.send(keyed("k", "y")).await.header("idempotency-replayed"), None);
    assert_eq!(world.created(), 2);
    world.clock.advance(KEPT);
    assert_eq!(world.keys.sweep(world.clock.now()).await.expect("a sweep"), 1);
}

#[tokio::test]
async fn a_key_is_visible_ascii_of_limited_length() {
    let world = World::new().await;
    assert_eq!(world.send(keyed(&"k".repeat(KEY_BYTES_MAX), "x")).await.status, 201);
    for wrong in [&*"k".repeat(KEY_BYTES_MAX + 1), "", "with blank"] {
        assert_eq!(world.send(keyed(wrong, "x")).await.problem(), (422, "invalid_idempotency_key".to_owned()));
    }
    assert_eq!(world.created(), 1);
}
