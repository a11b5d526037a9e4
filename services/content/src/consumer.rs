//! What content does when something happens elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;

use crate::Service;

/// Deletes what accounts published that are gone. Nobody sees it before that either: it has no author any more.
pub struct Undertaker {
    pub content: Arc<Service>,
    pub clock: Clock,
}

#[derive(Deserialize)]
struct AccountDeleted {
    user: UserId,
}

#[async_trait]
impl Consumer for Undertaker {
    fn name(&self) -> &'static str {
        "content.undertaker"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "account.deleted"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let AccountDeleted { user } = serde_json::from_value(event.payload.clone())?;
        Ok(self.content.delete_all_of(user, self.clock.now()).await?)
    }
}
