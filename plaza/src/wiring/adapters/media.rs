//! The uploads, as content sees them, and content, as the uploads see it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use content::{MediaKind, MediaLibrary};
use kernel::{Clock, MediaId, Problem, UserId};
use media::{Reach, References};
use schemas::content::Audience;
use schemas::media::Attachment;

/// The uploads, as content sees them.
pub struct Uploads {
    pub media: Arc<media::Service>,
    pub clock: Clock,
}

#[async_trait]
impl MediaLibrary for Uploads {
    async fn ready(&self, owner: UserId, ids: &[MediaId]) -> Result<HashMap<MediaId, MediaKind>, Problem> {
        let found = self.media.owned_and_ready(owner, ids, self.clock.now()).await?;
        let kind = |it: &Attachment| if it.r#type.is_video() { MediaKind::Video } else { MediaKind::Picture };
        Ok(found.into_iter().map(|(id, it)| (id, kind(&it))).collect())
    }

    async fn attachments(&self, media: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem> {
        let reach = |audience| if audience == Audience::Public { Reach::Public } else { Reach::Hidden };
        let media: Vec<_> = media.iter().map(|(id, audience)| (*id, reach(*audience))).collect();
        Ok(self.media.describe(&media, self.clock.now()).await?)
    }
}

/// Content, as the uploads see it.
pub struct Shown(pub Arc<content::Service>);

#[async_trait]
impl References for Shown {
    async fn used(&self, ids: &[MediaId]) -> Result<HashSet<MediaId>, Problem> {
        Ok(self.0.showing(ids).await?)
    }
}
