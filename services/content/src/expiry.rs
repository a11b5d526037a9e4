//! Buries what is over. It is unreadable from its last moment on, whenever this comes by.

use std::sync::Arc;
use std::time::Duration;

use kernel::ContentId;
use schemas::content::ContentExpired;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Service;
use crate::error::Error;
use crate::service::{BURIED_AT_ONCE, commit};
use crate::store;

/// Wait between looks: how much later than its end something leaves the index, at most, as long as little ends at once.
pub const EXPIRY_POLL: Duration = Duration::from_secs(1);

impl Service {
    /// Buries what is over until `stop`. Any number of processes may run it.
    pub async fn expire(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let more = self.expire_once().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what is over cannot be buried; trying again");
                0
            });
            if more < BURIED_AT_ONCE as usize {
                drop(timeout(EXPIRY_POLL, stop.cancelled()).await);
            }
        }
    }

    /// Buries some of what is over; how much.
    pub async fn expire_once(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let over = store::lock_expired(&mut tx, now, BURIED_AT_ONCE).await?;
        if over.is_empty() {
            return Ok(0);
        }
        let ids: Vec<ContentId> = over.iter().map(|content| content.id).collect();
        store::bury(&mut tx, &ids, now).await?;
        for content in &over {
            let event = ContentExpired {
                content: content.id,
                kind: content.id.kind(),
                author: content.author,
                expired_at: content.expires_at.unwrap_or(now),
            };
            store::announce(&mut tx, "content.expired", content.id, &event, now).await?;
        }
        commit(tx).await?;
        Ok(over.len())
    }
}
