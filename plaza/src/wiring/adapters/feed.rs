//! The graph and content, as feeds see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use feed::{Edge, Entry, Shown};
use kernel::{ContentId, Problem, UserId};

use super::Relations;

// A page shorter than asked for means to feeds that it is the last.
const _: () = assert!(graph::FOLLOWERS_PAGE >= feed::timelines::BATCH_MAX);

#[async_trait]
impl feed::Graph for Relations {
    async fn edges(&self, viewer: UserId, authors: &[UserId]) -> Result<HashMap<UserId, Edge>, Problem> {
        let standings = self.0.standings(viewer, authors).await?;
        let edge = |it: graph::Standing| Edge { follows: it.follows, hidden: it.mutes || it.blocked };
        Ok(standings.into_iter().map(|(author, standing)| (author, edge(standing))).collect())
    }

    async fn followers(&self, author: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, Problem> {
        let mut page = self.0.followers_page(author, after).await?;
        page.truncate(limit);
        Ok(page)
    }

    async fn followers_count(&self, author: UserId) -> Result<u64, Problem> {
        Ok(self.0.counts(author).await?.followers)
    }
}

pub struct FeedContent(pub Arc<content::Service>);

#[async_trait]
impl feed::Contents for FeedContent {
    async fn shown(&self, viewer: UserId, ids: &[ContentId]) -> Result<Shown, Problem> {
        let found = self.0.visible(viewer, ids).await?;
        Ok(Shown { contents: found.contents, gone: found.gone })
    }

    async fn latest(&self, authors: &[UserId], before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, Problem> {
        let found = self.0.latest(authors, before, limit).await?;
        Ok(found.into_iter().map(|(id, author)| Entry { id, author }).collect())
    }
}
