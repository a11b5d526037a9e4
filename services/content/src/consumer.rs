//! What content does when something happens elsewhere, or to what comments are about.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, ContentId, ContentKind, UserId};
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

/// Lets comments follow what their thread is about: deleted with it, for whom it is for.
pub struct Threads {
    pub content: Arc<Service>,
    pub clock: Clock,
}

#[derive(Deserialize)]
struct ContentChanged {
    content: ContentId,
}

#[async_trait]
impl Consumer for Threads {
    fn name(&self) -> &'static str {
        "content.threads"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "content.edited" | "content.deleted" | "content.expired")
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let ContentChanged { content } = serde_json::from_value(event.payload.clone())?;
        // Answers to a comment stay when it goes: the thread is about something else.
        if content.kind() == ContentKind::Comment {
            return Ok(());
        }
        match event.kind.as_str() {
            "content.edited" => self.content.align_below(content).await?,
            _ => self.content.delete_below(content, self.clock.now()).await?,
        }
        Ok(())
    }
}
