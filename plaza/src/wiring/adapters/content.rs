//! Engagement, as content sees it.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::engagement::Engagement;

pub struct ContentEngagements(pub engagement::Tally);

#[async_trait]
impl content::Engagements for ContentEngagements {
    async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        Ok(self.0.of(viewer, contents).await?)
    }
}
