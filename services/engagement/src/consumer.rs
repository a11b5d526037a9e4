//! What engagement does when something happens elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, ContentId, ContentKind, UserId};
use postgres::StoreResult;
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;

use crate::kinds::{ONLY, What};
use crate::metrics::METRICS;
use crate::store::{self, Delta};
use crate::{Error, Service};

/// Counts comments, and clears up after content and after accounts. Events may repeat, and may come late.
pub struct Keeper {
    pub engagement: Arc<Service>,
    pub clock: Clock,
}

/// Batches that go at once with content. Where there are more, others do not wait for it: [`Service::run`] goes on.
pub const BATCHES_AT_ONCE: usize = 2;

#[derive(Deserialize)]
struct ContentChanged {
    content: ContentId,
}

#[derive(Deserialize)]
struct AccountDeleted {
    user: UserId,
}

impl Keeper {
    async fn comment_created(&self, comment: ContentId) -> Result<(), Error> {
        let Service { db, contents, .. } = &*self.engagement;
        let ancestors = contents.ancestors(comment).await?;
        let mut gates: Vec<_> = ancestors.iter().map(|content| content.uuid()).collect();
        gates.sort_unstable();
        let mut tx = store::begin(db).await?;
        store::pass_gates(&mut tx, &gates).await?;
        let counting = store::add_comment(&mut tx, comment, &ancestors, comment.created_at()).await?;
        let one = |content| Delta { content, what: What::Comment.number(), value: ONLY, by: 1 };
        let counted = !counting.is_empty();
        store::count(&mut tx, &counting.into_iter().map(one).collect::<Vec<_>>()).await?;
        store::commit(tx).await?;
        if counted {
            METRICS.changed(What::Comment);
        }
        Ok(())
    }

    async fn content_gone(&self, content: ContentId) -> StoreResult<()> {
        let db = &self.engagement.db;
        store::close_gate(db, content, self.clock.now()).await?;
        if content.kind() == ContentKind::Comment {
            store::remove_comment(db, content).await?;
        }
        for _ in 0..BATCHES_AT_ONCE {
            if store::forget_some(db, content.uuid()).await? {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Consumer for Keeper {
    fn name(&self) -> &'static str {
        "engagement"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "content.created" | "content.deleted" | "content.expired" | "account.deleted")
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let payload = event.payload.clone();
        if event.kind == "account.deleted" {
            let AccountDeleted { user } = serde_json::from_value(payload)?;
            return Ok(store::forget_person(&self.engagement.db, user).await?);
        }
        let ContentChanged { content } = serde_json::from_value(payload)?;
        match event.kind.as_str() {
            "content.created" if content.kind() == ContentKind::Comment => Ok(self.comment_created(content).await?),
            "content.created" => Ok(()),
            _ => Ok(self.content_gone(content).await?),
        }
    }
}
