//! What answers in place of the slices that a feed asks, and the slice of content as feeds see it.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use content::{People, Relations, Standing};
use feed::{Area, Contents, Edge, Entry, Graph, Reception, Receptions, Shown, Source, Window};
use kernel::{ContentId, ContentKind, MediaId, Problem, Timestamp, UserId};
use parking_lot::Mutex;
use schemas::accounts::PersonSummary;
use schemas::content::Audience;
use schemas::engagement::Engagement;
use schemas::media::Attachment;
use web::testing::{StandIn, Town};

/// Answers as accounts and the graph do, and counts how often it was asked.
#[derive(Default)]
pub struct Society(StandIn<Town>);

impl Deref for Society {
    type Target = StandIn<Town>;

    fn deref(&self) -> &StandIn<Town> {
        &self.0
    }
}

#[async_trait]
impl People for Society {
    async fn find(&self, _: &str) -> Result<Option<UserId>, Problem> {
        Ok(None)
    }

    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem> {
        self.ask(|town| town.summaries(ids))
    }

    async fn ids_of(&self, _: &[&str]) -> Result<HashMap<String, UserId>, Problem> {
        Ok(HashMap::new())
    }
}

#[async_trait]
impl Relations for Society {
    async fn standing(&self, reader: UserId, people: &[UserId]) -> Result<HashMap<UserId, Standing>, Problem> {
        self.ask(|town| {
            let standing = |id: UserId| Standing {
                follows: town.follows(reader, id),
                blocked: town.blocked(reader, id),
                ..Standing::default()
            };
            people.iter().map(|id| (*id, standing(*id))).collect()
        })
    }
}

#[async_trait]
impl Graph for Society {
    async fn edges(&self, viewer: UserId, authors: &[UserId]) -> Result<HashMap<UserId, Edge>, Problem> {
        self.ask(|town| {
            let edge = |id: UserId| Edge {
                follows: town.follows(viewer, id),
                hidden: town.mutes.contains(&(viewer, id)) || town.blocked(viewer, id),
            };
            authors.iter().map(|id| (*id, edge(*id))).collect()
        })
    }

    async fn followed(&self, viewer: UserId) -> Result<Vec<UserId>, Problem> {
        self.ask(|town| {
            let all = town.follows.iter().filter(|(source, _)| *source == viewer).map(|(_, target)| *target);
            all.filter(|id| !town.mutes.contains(&(viewer, *id)) && !town.blocked(viewer, *id)).collect()
        })
    }

    async fn followers(&self, author: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, Problem> {
        self.ask(|town| {
            let all = town.follows.iter().filter(|(_, target)| *target == author).map(|(source, _)| *source);
            all.filter(|source| after.is_none_or(|after| *source > after)).take(limit).collect()
        })
    }

    async fn followers_count(&self, author: UserId) -> Result<u64, Problem> {
        self.ask(|town| town.follows.iter().filter(|(_, target)| *target == author).count() as u64)
    }
}

/// There are neither uploads nor reactions.
#[async_trait]
impl content::MediaLibrary for Society {
    async fn ready(&self, _: UserId, _: &[MediaId]) -> Result<HashMap<MediaId, content::MediaKind>, Problem> {
        Ok(HashMap::new())
    }

    async fn attachments(&self, _: &[(MediaId, Audience)]) -> Result<HashMap<MediaId, Attachment>, Problem> {
        Ok(HashMap::new())
    }
}

#[async_trait]
impl content::Engagements for Society {
    async fn of(&self, _: UserId, _: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Problem> {
        Ok(HashMap::new())
    }
}

/// The posts' slice as feeds see it.
pub struct Content(pub Arc<content::Service>);

#[async_trait]
impl Contents for Content {
    async fn shown(&self, viewer: UserId, ids: &[ContentId]) -> Result<Shown, Problem> {
        let visible = self.0.visible(viewer, ids).await?;
        Ok(Shown { contents: visible.contents, gone: visible.gone })
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

/// What was seen and how it was received, as a test says.
#[derive(Default)]
pub struct Spectators {
    pub seen: Mutex<HashSet<(UserId, ContentId)>>,
    pub received: Mutex<HashMap<ContentId, Reception>>,
    pub away: AtomicBool,
}

impl Spectators {
    fn there(&self) -> Result<(), Problem> {
        if self.away.load(Ordering::Relaxed) {
            return Err(StandIn::<Town>::away());
        }
        Ok(())
    }
}

#[async_trait]
impl Receptions for Spectators {
    async fn seen(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashSet<ContentId>, Problem> {
        self.there()?;
        let seen = self.seen.lock();
        Ok(ids.iter().filter(|id| seen.contains(&(viewer, **id))).copied().collect())
    }

    async fn of(&self, ids: &[ContentId]) -> Result<HashMap<ContentId, Reception>, Problem> {
        self.there()?;
        let received = self.received.lock();
        Ok(ids.iter().filter_map(|id| Some((*id, *received.get(id)?))).collect())
    }
}
