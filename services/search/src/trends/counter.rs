//! Counts the uses of hashtags as content comes, changes and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use kernel::{Clock, ContentId, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use postgres::{Db, fault};
use serde::Deserialize;

use super::{KEPT, store};
use crate::neighbours::TaggedContent;

/// Events after which old uses are swept away.
const SWEEP_EVERY: u64 = 256;

/// Keeps the uses of hashtags true. What an event says is not trusted: what it names is read as it is now, so that events may
/// repeat, and come late.
pub struct Counter {
    db: Db,
    contents: Arc<dyn TaggedContent>,
    clock: Clock,
    events: AtomicU64,
}

#[derive(Deserialize)]
struct ContentChanged {
    content: ContentId,
    author: UserId,
}

#[derive(Deserialize)]
struct AccountChanged {
    user: UserId,
    #[serde(default)]
    private: bool,
}

impl Counter {
    #[must_use]
    pub fn new(db: Db, contents: Arc<dyn TaggedContent>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { db, contents, clock, events: AtomicU64::new(0) })
    }

    async fn content_changed(&self, ContentChanged { content, author }: ContentChanged) -> Result<(), ConsumeError> {
        let mut tx = self.db.begin().await?;
        // An account that turns private meanwhile is either seen by what is read now, or removes what is written now.
        store::lock(&mut tx, author).await?;
        let oldest = self.clock.now().minus(KEPT);
        let tagged = self.contents.tagged(content).await.map_err(|problem| problem.message)?;
        store::replace(&mut tx, content, tagged.as_ref().filter(|tagged| tagged.created_at > oldest)).await?;
        tx.commit().await.map_err(fault)?;
        Ok(())
    }

    async fn hide(&self, author: UserId) -> Result<(), ConsumeError> {
        let mut tx = self.db.begin().await?;
        store::lock(&mut tx, author).await?;
        store::remove_all_of(&mut tx, author).await?;
        tx.commit().await.map_err(fault)?;
        Ok(())
    }
}

#[async_trait]
impl Consumer for Counter {
    fn name(&self) -> &'static str {
        "search.trends"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "content.created" | "content.edited" | "content.deleted" | "account.updated" | "account.deleted")
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let payload = event.payload.clone();
        match event.kind.as_str() {
            "account.updated" | "account.deleted" => {
                let changed: AccountChanged = serde_json::from_value(payload)?;
                if changed.private || event.kind == "account.deleted" {
                    self.hide(changed.user).await?;
                }
            }
            _ => self.content_changed(serde_json::from_value(payload)?).await?,
        }
        if self.events.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            store::sweep(&self.db, self.clock.now()).await?;
        }
        Ok(())
    }
}
