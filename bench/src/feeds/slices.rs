//! The slices that a feed asks, wired as Plaza wires them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use feed::{Area, Edge, Entry, Followers, Reception, Shown, Source, Window};
use kernel::{Clock, ContentId, ContentKind, MediaId, Problem, Timestamp, UserId};
use live::bus::LocalBus;
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::content::Audience;
use schemas::engagement::Engagement;
use schemas::media::Attachment;

use super::Failure;

pub struct People(Arc<accounts::Service>);

#[async_trait]
impl graph::People for People {
    async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Problem> {
        Ok(self.0.find(who).await?)
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.0.summaries(ids).await?)
    }
}

#[async_trait]
impl content::People for People {
    async fn find(&self, who: &str) -> Result<Option<UserId>, Problem> {
        Ok(self.0.find(who).await?.map(|person| person.id))
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        Ok(self.0.summaries(ids).await?)
    }

    async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        Ok(self.0.ids_of(handles).await?)
    }
}

pub struct Relations(Arc<graph::Service>);

#[async_trait]
impl content::Relations for Relations {
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, content::Standing>, Problem> {
        let found = self.0.standings(reader, people).await?;
        let standing = |it: graph::Standing| content::Standing {
            follows: it.follows,
            blocked: it.blocked,
            ..content::Standing::default()
        };
        Ok(people.iter().map(|person| (*person, standing(found.get(person).copied().unwrap_or_default()))).collect())
    }
}

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

    async fn followers(&self, author: UserId, after: Option<UserId>, _: usize) -> Result<Vec<UserId>, Problem> {
        Ok(self.0.followers_page(author, after).await?)
    }

    async fn followers_of(&self, authors: &[UserId], limit: usize) -> Result<HashMap<UserId, Followers>, Problem> {
        let found = self.0.first_followers(authors, limit).await?;
        Ok(found.into_iter().map(|(author, first, count)| (author, Followers { first, count })).collect())
    }
}

pub struct Contents(pub Arc<content::Service>);

fn entries(found: Vec<(ContentId, UserId)>) -> Vec<Entry> {
    found.into_iter().map(|(id, author)| Entry { id, author }).collect()
}

#[async_trait]
impl feed::Contents for Contents {
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

/// Content without uploads, of which nobody made anything.
struct Plain;

#[async_trait]
impl content::MediaLibrary for Plain {
    async fn ready(&self, _: UserId, _: &[MediaId]) -> Result<HashMap<MediaId, content::MediaKind>, Problem> {
        Ok(HashMap::new())
    }

    async fn attachments(&self, _: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem> {
        Ok(HashMap::new())
    }
}

#[async_trait]
impl content::Engagements for Plain {
    async fn of(&self, _: UserId, _: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        Ok(HashMap::new())
    }
}

/// Nothing was seen.
pub struct Unseen;

#[async_trait]
impl feed::Receptions for Unseen {
    async fn seen(&self, _: UserId, _: &[ContentId]) -> Result<HashSet<ContentId>, Problem> {
        Ok(HashSet::new())
    }

    async fn of(&self, _: &[ContentId]) -> Result<HashMap<ContentId, Reception>, Problem> {
        Ok(HashMap::new())
    }
}

/// Content, and a graph, over one database.
pub async fn open(db: &Db) -> Result<(Arc<content::Service>, Arc<Relations>), Failure> {
    let bus = Arc::new(LocalBus::new(live::bus::Window::default()));
    let limiter = Arc::new(live::limiter::Local::new());
    let now = Clock::system().now();
    let accounts =
        accounts::Service::start(db.clone(), limiter, bus.clone(), accounts::Settings::default(), now).await?;
    let people = Arc::new(People(accounts));
    let relations = Arc::new(Relations(graph::Service::new(db.clone(), bus, people.clone())));
    let (media, engagements) = (Arc::new(Plain), Arc::new(Plain));
    let neighbours = content::Neighbours { people, relations: relations.clone(), media, engagements };
    Ok((content::Service::new(db.clone(), neighbours, Clock::system()), relations))
}
