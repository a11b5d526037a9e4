use std::time::Duration;

use accounts::tokens::{access, refresh};
use accounts::{Error, LAST_SEEN_EVERY, Settings};
use kernel::Secret;
use live::{CloseReason, Control};

use crate::stage::Stage;

#[tokio::test]
async fn an_access_token_lasts_ten_minutes_and_a_refresh_brings_the_next() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let old = ada.tokens.access_token.expose();
    stage.clock.advance(access::LIFETIME - Duration::from_secs(1));
    assert_eq!(stage.refused(old).await, None);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.refused(old).await, Some("token_expired"));
    let next = stage.service.refresh(stage.clock.now(), ada.tokens.refresh_token.expose()).await.unwrap();
    assert_eq!(next.session, ada.tokens.session);
    assert_eq!(stage.refused(next.access_token.expose()).await, None);
}

#[tokio::test]
async fn a_lost_answer_is_repeated_with_the_same_successor() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let first = ada.tokens.refresh_token.expose();
    let lost = stage.service.refresh(stage.clock.now(), first).await.unwrap();
    stage.clock.advance(refresh::GRACE);
    let again = stage.service.refresh(stage.clock.now(), first).await.unwrap();
    assert_eq!(again.refresh_token, lost.refresh_token);
    assert_eq!(stage.refused(again.access_token.expose()).await, None);
}

#[tokio::test]
async fn swaps_of_one_token_at_once_get_one_successor() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let mut swaps = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (service, now) = (stage.service.clone(), stage.clock.now());
        let held = ada.tokens.refresh_token.clone();
        swaps.spawn(async move { service.refresh(now, held.expose()).await.unwrap().refresh_token });
    }
    let mut successors = swaps.join_all().await;
    successors.dedup();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn a_token_used_again_too_late_ends_the_session_everywhere() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let mut ear = stage.listen(ada.account.id).await;
    let first = ada.tokens.refresh_token.expose();
    let second = stage.service.refresh(stage.clock.now(), first).await.unwrap();
    stage.clock.advance(refresh::GRACE + Duration::from_millis(1));
    let thief = stage.service.refresh(stage.clock.now(), first).await;
    assert!(matches!(thief, Err(Error::RefreshTokenReused)));

    let (orders, event) = ear.next().await;
    let close = Control::Close { session: Some(ada.tokens.session), reason: CloseReason::SessionRevoked };
    assert_eq!(orders, [close]);
    assert_eq!(event["type"], "session.revoked");
    assert_eq!(stage.refused(second.access_token.expose()).await, Some("session_revoked"));
    let owner = stage.service.refresh(stage.clock.now(), second.refresh_token.expose()).await;
    assert!(matches!(owner, Err(Error::RefreshTokenInvalid)));
    assert_eq!(stage.outbox().await, ["account.created", "session.revoked"]);
}

#[tokio::test]
async fn noise_ends_nothing() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let mut noise = ada.tokens.refresh_token.expose().to_owned();
    // The session's id is right, the secret is not.
    noise.replace_range(40..41, if &noise[40..41] == "A" { "B" } else { "A" });
    for text in [noise.as_str(), "", "plr_"] {
        let outcome = stage.service.refresh(stage.clock.now(), text).await;
        assert!(matches!(outcome, Err(Error::RefreshTokenInvalid)));
    }
    assert!(stage.service.refresh(stage.clock.now(), ada.tokens.refresh_token.expose()).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_ninety_days_after_its_last_refresh() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    stage.clock.advance(refresh::LIFETIME - Duration::from_secs(1));
    let next = stage.service.refresh(stage.clock.now(), ada.tokens.refresh_token.expose()).await.unwrap();
    stage.clock.advance(refresh::LIFETIME);
    let late = stage.service.refresh(stage.clock.now(), next.refresh_token.expose()).await;
    assert!(matches!(late, Err(Error::RefreshTokenInvalid)));
}

#[tokio::test]
async fn last_seen_is_noted_once_a_minute() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let token = ada.tokens.access_token.expose();
    let seen = async || stage.service.sessions(&stage.ctx(&ada)).await.unwrap().items[0].last_seen_at;
    let start = seen().await;
    stage.clock.advance(LAST_SEEN_EVERY - Duration::from_millis(1));
    assert_eq!(stage.refused(token).await, None);
    assert_eq!(seen().await, start);
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.refused(token).await, None);
    assert_eq!(seen().await, stage.clock.now());
}

#[tokio::test]
async fn every_node_takes_every_nodes_tokens_and_new_keys_at_once() {
    let here = Stage::new().await;
    let there = Stage::on(here.db.clone(), Settings::default()).await;
    let old = here.register("ada").await;
    assert_eq!(there.refused(old.tokens.access_token.expose()).await, None);

    here.clock.advance(Duration::from_secs(2));
    there.clock.advance(Duration::from_secs(2));
    here.service.rotate_keys(here.clock.now()).await.unwrap();
    let new = here.log_in("ada").await;
    let header = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(header(new.tokens.access_token.expose()), header(old.tokens.access_token.expose()));
    for stage in [&here, &there] {
        assert_eq!(stage.refused(new.tokens.access_token.expose()).await, None);
        assert_eq!(stage.refused(old.tokens.access_token.expose()).await, None);
    }
}

#[tokio::test]
async fn configured_keys_need_no_table_and_are_changed_by_setting_two() {
    let key = |letter: &str| Some(Secret::new(letter.repeat(32)));
    let with =
        |signing_key, previous_signing_key| Settings { signing_key, previous_signing_key, ..Settings::default() };
    let first = Stage::with(with(key("a"), None)).await;
    let ada = first.register("ada").await;
    let token = ada.tokens.access_token.expose();
    let second = Stage::on(first.db.clone(), with(key("b"), key("a"))).await;
    assert_eq!(second.refused(token).await, None);
    let third = Stage::on(first.db.clone(), with(key("b"), None)).await;
    assert_eq!(third.refused(token).await, Some("unauthenticated"));
    let next = third.service.refresh(third.clock.now(), ada.tokens.refresh_token.expose()).await.unwrap();
    assert_eq!(second.refused(next.access_token.expose()).await, None);
}
