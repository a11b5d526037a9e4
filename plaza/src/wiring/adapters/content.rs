//! Engagement, as content sees it.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::engagement::Engagement;

/// Nobody keeps what is done with content: it is shown without.
pub struct NoEngagements;

#[async_trait]
impl content::Engagements for NoEngagements {
    async fn of(&self, _: UserId, _: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        Ok(HashMap::new())
    }
}
