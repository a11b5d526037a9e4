//! What this slice tells the others: durably through the outbox, and at once on the live bus.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{EventId, SessionId, Timestamp, UserId};
use live::bus::Bus;
use live::{CloseReason, Control, Topic, UserEvent};
use postgres::StoreResult;
use postgres::outbox::{self, ConsumeError, Consumer, Delivery, OutboxEvent};
use schemas::accounts::{Account, AccountEvent};
pub use schemas::accounts::{AccountChanged, SessionEnded};
use serde::Serialize;
use sqlx::PgConnection;

pub const ACCOUNT_CREATED: &str = "account.created";
pub const ACCOUNT_UPDATED: &str = "account.updated";
pub const ACCOUNT_DELETED: &str = "account.deleted";
pub const SESSION_REVOKED: &str = "session.revoked";

pub(crate) async fn account(
    tx: &mut PgConnection,
    kind: &'static str,
    account: &Account,
    now: Timestamp,
) -> StoreResult<()> {
    let changed = AccountChanged {
        user: account.id,
        handle: account.handle.clone(),
        name: account.name.clone(),
        private: account.private,
    };
    append(tx, kind, account.id.to_string(), &changed, now).await
}

pub(crate) async fn sessions_ended(
    tx: &mut PgConnection,
    user: UserId,
    sessions: &[SessionId],
    now: Timestamp,
) -> StoreResult<()> {
    for session in sessions {
        let ended = SessionEnded { user, session: *session };
        append(tx, SESSION_REVOKED, session.to_string(), &ended, now).await?;
    }
    Ok(())
}

async fn append(
    tx: &mut PgConnection,
    kind: &'static str,
    key: String,
    payload: &impl Serialize,
    now: Timestamp,
) -> StoreResult<()> {
    let payload = serde_json::to_value(payload).map_err(kernel::StoreError::broken)?;
    outbox::append(tx, &OutboxEvent { id: EventId::new(now), kind, key, payload }, now).await
}

/// Tells a person's devices of the sessions that ended, and closes the sockets of those.
pub(crate) async fn close(bus: &dyn Bus, user: UserId, sessions: &[SessionId]) {
    for session in sessions {
        let order = Control::Close { session: Some(*session), reason: CloseReason::SessionRevoked };
        let told = AccountEvent::SessionRevoked { session: *session };
        publish(bus, user, vec![order], Some(&told)).await;
    }
}

pub(crate) async fn close_account(bus: &dyn Bus, user: UserId) {
    publish(bus, user, vec![close_all()], None).await;
}

pub(crate) async fn updated(bus: &dyn Bus, account: &Account) {
    publish(bus, account.id, Vec::new(), Some(&AccountEvent::AccountUpdated { account: account.clone() })).await;
}

/// Publishes after the commit. A failure is not the caller's: what must arrive is repeated from the outbox.
async fn publish(bus: &dyn Bus, user: UserId, control: Vec<Control>, event: Option<&AccountEvent>) {
    let body = event.and_then(|event| serde_json::value::to_raw_value(event).ok());
    if let Err(error) = bus.publish(Topic::User(user), &UserEvent { control, body }).await {
        tracing::warn!(%user, %error, "a person's devices were not told of a change to their account");
    }
}

const fn close_all() -> Control {
    Control::Close { session: None, reason: CloseReason::AccountClosed }
}

/// Repeats the orders to close sockets until they have been given: the bus may have been away when the session ended.
pub struct Closer(pub Arc<dyn Bus>);

#[async_trait]
impl Consumer for Closer {
    fn name(&self) -> &'static str {
        "accounts.closer"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, SESSION_REVOKED | ACCOUNT_DELETED)
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let (user, order) = if event.kind == SESSION_REVOKED {
            let SessionEnded { user, session } = serde_json::from_value(event.payload.clone())?;
            (user, Control::Close { session: Some(session), reason: CloseReason::SessionRevoked })
        } else {
            let AccountChanged { user, .. } = serde_json::from_value(event.payload.clone())?;
            (user, close_all())
        };
        // An order alone is not kept, so a repeat leaves no trace.
        Ok(self.0.publish(Topic::User(user), &UserEvent { control: vec![order], body: None }).await?)
    }
}
