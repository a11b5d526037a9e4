//! What presence does when something happens elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::UserId;
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;

use crate::service::Service;

/// Takes the events of other slices that presence acts on.
#[must_use]
pub fn consumer(service: Arc<Service>) -> Arc<dyn Consumer> {
    Arc::new(Events(service))
}

struct Events(Arc<Service>);

/// Of `block.created` and `follow.removed`.
#[derive(Deserialize)]
struct Edge {
    source: UserId,
    target: UserId,
}

/// Of `account.deleted`.
#[derive(Deserialize)]
struct Account {
    user: UserId,
}

#[async_trait]
impl Consumer for Events {
    fn name(&self) -> &'static str {
        "presence"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "block.created" | "follow.removed" | "account.deleted")
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        match event.kind.as_str() {
            "block.created" => {
                let Edge { source, target } = serde_json::from_value(event.payload.clone())?;
                self.0.part(source, target).await?;
                self.0.part(target, source).await?;
            }
            "follow.removed" => {
                let Edge { source, target } = serde_json::from_value(event.payload.clone())?;
                // The account may be private, and only followers see those.
                if !self.0.may_watch(source, target).await? {
                    self.0.part(source, target).await?;
                }
            }
            _ => {
                let Account { user } = serde_json::from_value(event.payload.clone())?;
                self.0.erase(user).await?;
            }
        }
        Ok(())
    }
}
