//! The graph and content, as feeds see them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use feed::{Area, Edge, Entry, Followers, Reception, Shown, Source, Window};
use index::Language;
use kernel::{ContentId, ContentKind, Problem, Timestamp, UserId};

use super::Relations;

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

fn entries(found: Vec<(ContentId, UserId)>) -> Vec<Entry> {
    found.into_iter().map(|(id, author)| Entry { id, author }).collect()
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
