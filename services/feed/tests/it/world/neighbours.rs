//! What answers in place of the slices that a feed asks, and the slice of content as feeds see it.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use content::{People, Relations, Standing};
use feed::{Edge, Followers, Graph, Reception, Receptions};
use kernel::{ContentId, MediaId, Problem, UserId};
use parking_lot::Mutex;
use schemas::accounts::PersonSummary;
use schemas::content::Audience;
use schemas::engagement::Engagement;
use schemas::media::Attachment;
use web::testing::{StandIn, Town};

// What plaza gives to feeds is what they are tested with.
#[path = "../../../../../plaza/src/wiring/adapters/feed_content.rs"]
mod feed_content;
pub use feed_content::FeedContent as Content;

/// Answers as accounts and the graph do, and counts how often it was asked.
#[derive(Default)]
pub struct Society {
    town: StandIn<Town>,
    /// Those who are said to have so many followers, whoever these are.
    pub celebrities: Mutex<HashMap<UserId, u64>>,
}

impl Deref for Society {
    type Target = StandIn<Town>;

    fn deref(&self) -> &StandIn<Town> {
        &self.town
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

    async fn followers_of(&self, authors: &[UserId], limit: usize) -> Result<HashMap<UserId, Followers>, Problem> {
        let celebrities = self.celebrities.lock().clone();
        self.ask(|town| {
            let of = |author: UserId| {
                let all = town.follows.iter().filter(|(_, target)| *target == author).map(|(source, _)| *source);
                let first: Vec<UserId> = all.clone().take(limit).collect();
                Followers { first, count: celebrities.get(&author).copied().unwrap_or(all.count() as u64) }
            };
            authors.iter().map(|author| (*author, of(*author))).collect()
        })
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
