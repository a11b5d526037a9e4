//! Uploads and engagement, as content sees them.

use std::collections::HashMap;

use async_trait::async_trait;
use content::MediaKind;
use kernel::{ContentId, MediaId, Problem, UserId};
use schemas::content::{Attachment, Audience};
use schemas::engagement::Engagement;

/// There are no uploads: content that names some is refused.
pub struct NoMedia;

#[async_trait]
impl content::MediaLibrary for NoMedia {
    async fn ready(&self, _: UserId, _: &[MediaId]) -> Result<HashMap<MediaId, MediaKind>, Problem> {
        Ok(HashMap::new())
    }

    async fn attachments(&self, _: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem> {
        Ok(HashMap::new())
    }
}

pub struct ContentEngagements(pub engagement::Tally);

#[async_trait]
impl content::Engagements for ContentEngagements {
    async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        Ok(self.0.of(viewer, contents).await?)
    }
}
