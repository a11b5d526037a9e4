//! Content, as feeds see it. The tests of the feed's slice include this file, so that they run on it.

use std::sync::Arc;

use async_trait::async_trait;
use feed::{Area, Entry, Shown, Source, Window};
use kernel::{ContentId, ContentKind, Problem, Timestamp, UserId};

pub struct FeedContent(pub Arc<content::Service>);

#[async_trait]
impl feed::Contents for FeedContent {
    async fn shown(&self, viewer: UserId, ids: &[ContentId]) -> Result<Shown, Problem> {
        let found = self.0.visible(viewer, ids).await?;
        Ok(Shown { contents: found.contents, gone: found.gone })
    }

    async fn latest(&self, sources: &[Source], window: Window, limit: usize) -> Result<Vec<Entry>, Problem> {
        let source = |it: &Source| content::Source { author: it.author, kind: it.kind };
        let sources: Vec<content::Source> = sources.iter().map(source).collect();
        let window = content::Window { before: window.before, from: window.from };
        Ok(entries(self.0.latest(&sources, window, limit).await?))
    }

    async fn stories(&self, authors: &[UserId], since: Timestamp, each: usize) -> Result<Vec<Entry>, Problem> {
        Ok(entries(self.0.stories(authors, since, each).await?))
    }

    async fn newest(&self, kind: ContentKind, limit: usize) -> Result<Vec<Entry>, Problem> {
        Ok(entries(self.0.newest(kind, limit).await?))
    }

    async fn listings_near(&self, area: Area, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, Problem> {
        let place = (area.latitude, area.longitude);
        Ok(entries(self.0.listings_near(place, area.radius_m, before, limit).await?))
    }
}

fn entries(found: Vec<(ContentId, UserId)>) -> Vec<Entry> {
    found.into_iter().map(|(id, author)| Entry { id, author }).collect()
}
