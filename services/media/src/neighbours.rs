//! What media ask of the content that shows them.

use std::collections::HashSet;

use async_trait::async_trait;
use kernel::{MediaId, Problem};

/// The content, as media see it.
#[async_trait]
pub trait References: Send + Sync {
    /// Those of `ids` that something shows. MUST be the present truth: what is left out is deleted. Content that is about to be
    /// written need not be counted: what it names was asked for by [`crate::Service::owned_and_ready`] less than a day ago, and is left alone.
    async fn used(&self, ids: &[MediaId]) -> Result<HashSet<MediaId>, Problem>;
}
