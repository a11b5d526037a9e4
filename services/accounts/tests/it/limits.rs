use std::net::IpAddr;

use accounts::{Error, Origin, Settings};

use crate::stage::{PASSWORD, Stage, proof, registration};

fn waits(outcome: Result<impl Sized, Error>) -> bool {
    match outcome {
        Err(Error::TooManyAttempts(wait)) => {
            assert!(!wait.is_zero() && wait.as_secs() <= 15 * 60, "{wait:?}");
            true
        }
        _ => false,
    }
}

async fn try_from(stage: &Stage, address: &str, handle: &str, password: &str) -> Result<(), Error> {
    let from = Origin { now: stage.clock.now(), address: address.parse::<IpAddr>().unwrap() };
    stage.service.log_in(from, proof(handle, password)).await.map(drop)
}

#[tokio::test]
async fn attempts_at_one_handle_end_at_the_limit_from_wherever_they_come() {
    let stage = Stage::with(Settings { attempts_per_account: 3, ..Settings::default() }).await;
    stage.register("ada").await;
    // A handle that nobody has is limited as well, or the limit would tell.
    for handle in ["ada", "ben"] {
        for n in 0..3 {
            let outcome = try_from(&stage, &format!("198.51.100.{n}"), handle, "wrong wrong wrong").await;
            assert!(matches!(outcome, Err(Error::WrongCredentials)), "{handle} {n}: {outcome:?}");
        }
        assert!(waits(try_from(&stage, "198.51.100.9", handle, PASSWORD).await), "{handle}");
    }
}

#[tokio::test]
async fn the_right_password_gives_the_attempts_back() {
    let stage = Stage::with(Settings { attempts_per_account: 2, ..Settings::default() }).await;
    stage.register("ada").await;
    for _ in 0..4 {
        assert!(try_from(&stage, "198.51.100.1", "ada", "wrong wrong wrong").await.is_err());
        assert!(try_from(&stage, "198.51.100.1", "Ada", PASSWORD).await.is_ok());
    }
}

#[tokio::test]
async fn attempts_from_one_address_end_at_the_limit_whoever_they_name() {
    let stage = Stage::with(Settings { attempts_per_address: 3, ..Settings::default() }).await;
    stage.register("ada").await;
    for n in 0..3 {
        let outcome = try_from(&stage, &format!("2001:db8::{n}"), &format!("ben{n}"), PASSWORD).await;
        assert!(matches!(outcome, Err(Error::WrongCredentials)));
    }
    // The same /64 is the same customer; another is not.
    assert!(waits(try_from(&stage, "2001:db8::ffff", "ada", PASSWORD).await));
    assert!(try_from(&stage, "2001:db8:0:1::1", "ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn registrations_from_one_address_end_at_the_limit() {
    let stage = Stage::with(Settings { registrations_per_address: 2, ..Settings::default() }).await;
    stage.register("ada").await;
    stage.register("ben").await;
    let third = stage.service.register(stage.home(), registration("cleo")).await;
    assert!(matches!(third, Err(Error::TooManyAttempts(_))));
}

#[tokio::test]
async fn the_answer_says_how_long_to_wait() {
    let stage = Stage::with(Settings { attempts_per_account: 1, ..Settings::default() }).await;
    let body = serde_json::json!({ "handle": "ada", "password": PASSWORD });
    let first = stage.send(http::Method::POST, "/v1/sessions", None, Some(body.clone())).await;
    assert_eq!(first.failure(), (401, "wrong_credentials"));
    let second = stage.send(http::Method::POST, "/v1/sessions", None, Some(body)).await;
    assert_eq!(second.failure(), (429, "too_many_attempts"));
    assert!(second.retry_after().is_some_and(|seconds| (1..=15 * 60).contains(&seconds)), "{second:?}");
}
