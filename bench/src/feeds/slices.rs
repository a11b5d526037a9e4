//! The slices that a feed asks, wired as Plaza wires them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use feed::Reception;
use kernel::{Clock, ContentId, MediaId, Problem, UserId};
use live::bus::LocalBus;
use plaza::adapters::{People, Relations};
use postgres::Db;
use schemas::content::Audience;
use schemas::engagement::Engagement;
use schemas::media::Attachment;

use super::Failure;

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

#[async_trait]
impl graph::Talk for Plain {
    async fn parted(&self, _: UserId, _: UserId) -> Result<(), Problem> {
        Ok(())
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
    let relations = Arc::new(Relations(graph::Service::new(db.clone(), bus, people.clone(), Arc::new(Plain))));
    let (media, engagements) = (Arc::new(Plain), Arc::new(Plain));
    let neighbours = content::Neighbours { people, relations: relations.clone(), media, engagements };
    Ok((content::Service::new(db.clone(), neighbours, Clock::system()), relations))
}
