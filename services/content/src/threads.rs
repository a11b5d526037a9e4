//! Comments share the fate of what their thread is about.

use kernel::{ContentId, Timestamp};

use crate::Service;
use crate::error::Error;
use crate::service::{BURIED_AT_ONCE, bury, commit};
use crate::store;

/// How deep comments answer comments.
pub const COMMENT_DEPTH_MAX: i16 = 8;
/// Comments that get another audience in one transaction.
const ALIGNED_AT_ONCE: u64 = 500;

impl Service {
    /// Deletes the comments about something that is gone. They have been unreadable since it went.
    pub async fn delete_below(&self, root: ContentId, now: Timestamp) -> Result<(), Error> {
        loop {
            let mut tx = self.store.begin().await?;
            let comments = store::lock_some_below(&mut tx, root, BURIED_AT_ONCE).await?;
            if comments.is_empty() {
                return Ok(());
            }
            bury(&mut tx, &comments, now).await?;
            commit(tx).await?;
        }
    }

    /// Tells the comments about something who may read it now, for those who look at them without it: the index.
    pub async fn align_below(&self, root: ContentId) -> Result<(), Error> {
        loop {
            let mut tx = self.store.begin().await?;
            let Some(audience) = store::share(&mut tx, root).await? else { return Ok(()) };
            let aligned = store::align_some_below(&mut tx, root, audience, ALIGNED_AT_ONCE.cast_signed()).await?;
            commit(tx).await?;
            if aligned < ALIGNED_AT_ONCE {
                return Ok(());
            }
        }
    }
}
