//! The slices whose things are found, as search sees them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ContentId, Problem, RoomId, Timestamp, UserId};
use search::{Directory, Popularity, Source, Tagged, TaggedContent, Thing};

/// What was found, by the ids of the documents.
type Shown = HashMap<String, Thing>;

pub struct FoundPeople {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
}

#[async_trait]
impl Source for FoundPeople {
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<Shown, Problem> {
        let ids: Vec<UserId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let people = async { self.accounts.summaries(&ids).await.map_err(Problem::from) };
        let standings = async { self.graph.standings(viewer, &ids).await.map_err(Problem::from) };
        let (people, standings) = tokio::try_join!(people, standings)?;
        let parted = |id: &UserId| standings.get(id).is_some_and(|standing| standing.blocked);
        let seen = people.into_iter().filter(|(id, _)| *id == viewer || !parted(id));
        Ok(seen.map(|(id, person)| (id.to_string(), Thing::Person(person))).collect())
    }
}

pub struct FoundHashtags(pub Arc<content::Service>);

#[async_trait]
impl Source for FoundHashtags {
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<Shown, Problem> {
        let found = self.0.hashtags(viewer, ids).await?;
        Ok(found.into_iter().map(|it| (it.tag.clone(), Thing::Hashtag { tag: it.tag, posts: it.uses })).collect())
    }
}

pub struct FoundContent(pub Arc<content::Service>);

#[async_trait]
impl Source for FoundContent {
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<Shown, Problem> {
        let ids: Vec<ContentId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let found = self.0.visible(viewer, &ids).await?;
        Ok(found
            .contents
            .into_iter()
            .map(|content| (content.id.to_string(), Thing::Content(Box::new(content))))
            .collect())
    }
}

#[async_trait]
impl TaggedContent for FoundContent {
    async fn tagged(&self, content: ContentId) -> Result<Option<Tagged>, Problem> {
        let tagged = |it: content::Content| Tagged {
            content: it.id,
            author: it.author,
            tags: it.tags(),
            text: it.text,
            created_at: it.created_at,
        };
        Ok(self.0.open(content).await?.map(tagged))
    }
}

pub struct FoundMessages(pub Arc<chat::Service>);

#[async_trait]
impl Source for FoundMessages {
    async fn shown(&self, viewer: UserId, ids: &[String]) -> Result<Shown, Problem> {
        let places: Vec<(RoomId, u64)> = ids.iter().filter_map(|id| chat::documents::message_of(id)).collect();
        let found = self.0.visible(viewer, &places).await?;
        let id = |message: &schemas::chat::Message| chat::documents::document_id(message.room, message.seq);
        Ok(found.into_iter().map(|message| (id(&message), Thing::Message(Box::new(message)))).collect())
    }
}

pub struct Popular {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
    pub content: Arc<content::Service>,
    pub tally: engagement::Tally,
}

#[async_trait]
impl Popularity for Popular {
    async fn people(&self, ids: &[UserId]) -> Result<(), Problem> {
        let mut counts = self.graph.counts_of(ids).await?;
        let followers = ids.iter().map(|id| (*id, counts.remove(id).map_or(0, |counts| counts.followers)));
        self.accounts.keep_popularity(&followers.collect()).await?;
        Ok(())
    }

    async fn contents(&self, ids: &[ContentId]) -> Result<(), Problem> {
        // What somebody in particular did is of no matter here.
        let nobody = UserId::floor(Timestamp::from_millis(0));
        let found = self.tally.of(nobody, ids).await?;
        let acts = |it: schemas::engagement::Counts| it.reactions.values().sum::<u64>() + it.shares + it.saves;
        let acts = found.into_iter().map(|(id, engagement)| (id, acts(engagement.counts))).collect();
        self.content.keep_popularity(&acts).await?;
        Ok(())
    }
}

pub struct SearchDirectory {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
    pub chat: Arc<chat::Service>,
}

#[async_trait]
impl Directory for SearchDirectory {
    async fn person(&self, viewer: UserId, who: &str) -> Result<Option<UserId>, Problem> {
        let Some(person) = self.accounts.find(who).await? else { return Ok(None) };
        let standings = self.graph.standings(viewer, &[person.id]).await?;
        let parted = standings.get(&person.id).is_some_and(|standing| standing.blocked);
        Ok((!parted).then_some(person.id))
    }

    async fn rooms(&self, viewer: UserId) -> Result<Vec<RoomId>, Problem> {
        Ok(self.chat.rooms(viewer).await?)
    }

    fn hashtag(&self, written: &str) -> Option<String> {
        content::text::Hashtag::parse(written).map(content::text::Hashtag::into_string)
    }
}
