use accounts::{Error, Settings};
use live::{CloseReason, Control};
use schemas::accounts::{Deletion, PasswordChange};

use crate::stage::{PASSWORD, Stage, proof, registration};

fn change(current: &str, new: &str) -> PasswordChange {
    PasswordChange { current_password: current.to_owned().into(), password: new.to_owned().into() }
}

#[tokio::test]
async fn a_new_password_leaves_only_the_device_that_set_it() {
    let stage = Stage::new().await;
    let phone = stage.register("ada").await;
    let laptop = stage.log_in("ada").await;
    let new = "algebraic patterns instead";
    let tokens = stage.service.change_password(&stage.ctx(&laptop), change(PASSWORD, new)).await.unwrap();
    assert_eq!(tokens.session, laptop.tokens.session);
    assert_eq!(stage.refused(tokens.access_token.expose()).await, None);
    assert_eq!(stage.refused(phone.tokens.access_token.expose()).await, Some("session_revoked"));
    // Tokens from before are void, on the same device too.
    assert_eq!(stage.refused(laptop.tokens.access_token.expose()).await, Some("token_expired"));
    assert!(stage.service.refresh(stage.clock.now(), tokens.refresh_token.expose()).await.is_ok());
    let old = stage.service.log_in(stage.home(), proof("ada", PASSWORD)).await;
    assert!(matches!(old, Err(Error::WrongCredentials)));
    assert!(stage.service.log_in(stage.home(), proof("ada", new)).await.is_ok());
}

#[tokio::test]
async fn a_change_needs_the_password_of_now_and_counts_as_an_attempt() {
    let stage = Stage::with(Settings { attempts_per_account: 2, ..Settings::default() }).await;
    let ada = stage.register("ada").await;
    let ctx = stage.ctx(&ada);
    for _ in 0..2 {
        let wrong = stage.service.change_password(&ctx, change("not her password", "something else")).await;
        assert!(matches!(wrong, Err(Error::WrongPassword)));
    }
    let third = stage.service.change_password(&ctx, change(PASSWORD, "something else")).await;
    assert!(matches!(third, Err(Error::TooManyAttempts(_))));
}

#[tokio::test]
async fn a_new_password_keeps_the_rules() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    for bad in ["short", "password123"] {
        let outcome = stage.service.change_password(&stage.ctx(&ada), change(PASSWORD, bad)).await;
        assert!(matches!(outcome, Err(Error::Violation(_))));
    }
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_handle_is_not_given_away() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let ben = stage.register("ben").await;
    let ctx = stage.ctx(&ada);
    let wrong = stage.service.delete(&ctx, Deletion { password: "not her password".to_owned().into() }).await;
    assert!(matches!(wrong, Err(Error::WrongPassword)));

    let mut ear = stage.listen(ada.account.id).await;
    stage.service.delete(&ctx, Deletion { password: PASSWORD.to_owned().into() }).await.unwrap();
    let (orders, _) = ear.next().await;
    assert_eq!(orders, [Control::Close { session: None, reason: CloseReason::AccountClosed }]);
    assert_eq!(stage.refused(ada.tokens.access_token.expose()).await, Some("session_revoked"));
    let relations: std::sync::Arc<dyn accounts::Relations> = stage.relations.clone();
    let seen = stage.service.person(&stage.ctx(&ben), "ada", &relations).await;
    assert!(matches!(seen, Err(Error::PersonNotFound)));
    let outcome = stage.service.log_in(stage.home(), proof("ada", PASSWORD)).await;
    assert!(matches!(outcome, Err(Error::WrongCredentials)));
    assert!(matches!(stage.service.register(stage.home(), registration("ada")).await, Err(Error::HandleTaken)));
    assert!(stage.service.summaries(&[ada.account.id]).await.unwrap().is_empty());
    assert_eq!(stage.outbox().await.last().unwrap(), "account.deleted");
}
