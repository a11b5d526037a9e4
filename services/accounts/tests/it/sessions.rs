use std::sync::Arc;

use accounts::{Closer, Error};
use kernel::{Clock, SessionId};
use live::{CloseReason, Control};
use postgres::outbox::Dispatch;

use crate::stage::Stage;

#[tokio::test]
async fn logging_one_device_out_stops_that_one_at_once() {
    let stage = Stage::new().await;
    let phone = stage.register("ada").await;
    let laptop = stage.log_in("ada").await;
    let mut ear = stage.listen(phone.account.id).await;
    stage.service.log_out(&stage.ctx(&laptop), phone.tokens.session).await.unwrap();
    assert_eq!(stage.refused(phone.tokens.access_token.expose()).await, Some("session_revoked"));
    assert_eq!(stage.refused(laptop.tokens.access_token.expose()).await, None);
    let (orders, _) = ear.next().await;
    let close = Control::Close { session: Some(phone.tokens.session), reason: CloseReason::SessionRevoked };
    assert_eq!(orders, [close]);
    let again = stage.service.log_out(&stage.ctx(&laptop), phone.tokens.session).await;
    assert!(matches!(again, Err(Error::SessionNotFound)));
}

#[tokio::test]
async fn nobody_logs_somebody_else_out() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let ben = stage.register("ben").await;
    for session in [ada.tokens.session, SessionId::new(stage.clock.now())] {
        let outcome = stage.service.log_out(&stage.ctx(&ben), session).await;
        assert!(matches!(outcome, Err(Error::SessionNotFound)));
    }
    assert_eq!(stage.refused(ada.tokens.access_token.expose()).await, None);
}

#[tokio::test]
async fn logging_out_everywhere_may_spare_the_device_that_asks() {
    let stage = Stage::new().await;
    let phone = stage.register("ada").await;
    let laptop = stage.log_in("ada").await;
    let ctx = stage.ctx(&laptop);
    stage.service.log_out_everywhere(&ctx, true).await.unwrap();
    let left: Vec<_> = stage.service.sessions(&ctx).await.unwrap().items.into_iter().map(|it| it.id).collect();
    assert_eq!(left, [laptop.tokens.session]);
    stage.service.log_out_everywhere(&ctx, false).await.unwrap();
    for tokens in [&phone.tokens, &laptop.tokens] {
        assert_eq!(stage.refused(tokens.access_token.expose()).await, Some("session_revoked"));
        let outcome = stage.service.refresh(stage.clock.now(), tokens.refresh_token.expose()).await;
        assert!(matches!(outcome, Err(Error::RefreshTokenInvalid)));
    }
}

/// What the bus missed is said again by the outbox.
#[tokio::test]
async fn the_order_to_close_comes_once_more_from_the_outbox() {
    let stage = Stage::new().await;
    let phone = stage.register("ada").await;
    stage.service.log_out_everywhere(&stage.ctx(&phone), false).await.unwrap();
    // Only now does this node follow: it missed the first order.
    let mut ear = stage.listen(phone.account.id).await;
    let dispatch = Dispatch::new(stage.db.clone(), Clock::system(), vec![Arc::new(Closer(stage.bus.clone()))]);
    while postgres::testing::deliver_once(&stage.db, &dispatch).await > 0 {}
    let (orders, event) = ear.next().await;
    let close = Control::Close { session: Some(phone.tokens.session), reason: CloseReason::SessionRevoked };
    assert_eq!((orders, event), (vec![close], serde_json::Value::Null));
    assert!(stage.outbox().await.is_empty());
}
