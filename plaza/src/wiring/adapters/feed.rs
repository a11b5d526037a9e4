//! The graph, and what people did with content, as feeds see them.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use feed::{Edge, Followers, Reception};
use index::Language;
use kernel::{ContentId, Problem, Timestamp, UserId};

use super::{FeedContent, Relations};

// A page shorter than asked for means to feeds that it is the last.
const _: () = assert!(graph::FOLLOWERS_PAGE >= feed::FOLLOWERS_PAGE);

#[async_trait]
impl feed::Graph for Relations {
    async fn edges(&self, viewer: UserId, authors: &[UserId]) -> Result<HashMap<UserId, Edge>, Problem> {
        let standings = self.0.standings(viewer, authors).await?;
        let edge = |it: graph::Standing| Edge { follows: it.follows, hidden: it.mutes || it.blocked };
        Ok(standings.into_iter().map(|(author, standing)| (author, edge(standing))).collect())
    }

    async fn followed(&self, viewer: UserId) -> Result<Vec<UserId>, Problem> {
        Ok(self.0.heard_followings(viewer).await?)
    }

    async fn followers(&self, author: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, Problem> {
        let mut page = self.0.followers_page(author, after).await?;
        page.truncate(limit);
        Ok(page)
    }

    async fn followers_of(&self, authors: &[UserId], limit: usize) -> Result<HashMap<UserId, Followers>, Problem> {
        let found = self.0.first_followers(authors, limit).await?;
        Ok(found.into_iter().map(|(author, first, count)| (author, Followers { first, count })).collect())
    }
}

#[async_trait]
impl feed::ranked::Opens for FeedContent {
    async fn open(&self, id: ContentId) -> Result<Option<feed::ranked::Open>, Problem> {
        let open = |content: content::Content| feed::ranked::Open {
            author: content.author,
            hashtags: content.tags(),
            language: Language::detect(&content.text).map(|language| language.code().to_owned()),
            place: content.place,
        };
        Ok(self.0.open(id).await?.map(open))
    }
}

/// What people did with content, as trays and pools see it.
pub struct Received(pub engagement::Tally);

#[async_trait]
impl feed::Receptions for Received {
    async fn seen(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashSet<ContentId>, Problem> {
        Ok(self.0.viewed(viewer, ids).await?)
    }

    async fn of(&self, ids: &[ContentId]) -> Result<HashMap<ContentId, Reception>, Problem> {
        // What somebody in particular did is of no matter here.
        let nobody = UserId::floor(Timestamp::from_millis(0));
        let found = self.0.of(nobody, ids).await?;
        let reception = |it: schemas::engagement::Engagement| Reception {
            views: it.counts.views,
            acts: it.counts.reactions.values().sum::<u64>() + it.counts.comments + it.counts.shares + it.counts.saves,
        };
        Ok(found.into_iter().map(|(id, engagement)| (id, reception(engagement))).collect())
    }
}
