//! The slices, each built in one place.

use std::sync::Arc;

use chat::log::MessageLog;
use chat::sequencer::Sequencer;
use feed::ranked;
use feed::{CassandraTimelines, PostgresTimelines, Timelines};
use index::Kind;
use index::pipeline::Mappings;
use kernel::{Clock, ContentKind, Fail};
use presence::PresenceStore;
use presence::store::Times;
use search::Source;
use search::model::{HASHTAG, MESSAGE, PERSON, of_content};

use super::adapters::{
    ChatPeople, ContentEngagements, EngagementContents, EngagementPeople, FeedContent, FoundContent, FoundHashtags,
    FoundMessages, FoundPeople, GraphTalk, InboxContents, InboxPeople, People, PresenceRelations, Received, Relations,
    SearchDirectory, Shown, Uploads,
};
use super::{Index, Stores};
use crate::config::{Config, Role};
use crate::exit::{Exit, Stopped};

/// Every slice of this process.
pub struct Slices {
    pub accounts: Arc<accounts::Service>,
    pub graph: Arc<graph::Service>,
    pub presence: Arc<presence::Service>,
    pub chat: Arc<chat::Service>,
    pub content: Arc<content::Service>,
    pub engagement: Arc<engagement::Service>,
    pub inbox: Arc<notifications::Service>,
    pub feed: Arc<feed::Service>,
    pub feed_worker: Arc<feed::Worker>,
    pub media: Arc<media::Service>,
    pub media_worker: Arc<media::Worker>,
    pub ranked: Arc<ranked::Ranked>,
    pub learner: Arc<ranked::Learner>,
    pub search: Arc<search::Service>,
    /// The graph, for the profiles that accounts shows.
    pub relations: Arc<Relations>,
    /// Where things are found.
    pub index: Index,
    /// What can be found.
    pub found: Mappings,
}

impl Slices {
    pub async fn start(stores: &Stores, config: &Config, clock: &Clock) -> Result<Self, Stopped> {
        let accounts = accounts(stores, config, clock).await?;
        let people = Arc::new(People(accounts.clone()));
        let log = message_log(stores, config, clock).await?;
        let talk = Arc::new(GraphTalk(chat::Gates::new(stores.db.clone(), log.clone())));
        let graph = graph::Service::new(stores.db.clone(), stores.bus.clone(), people.clone(), talk);
        let relations = Arc::new(Relations(graph.clone()));
        let presence = presence(stores, config, clock, &accounts, &graph);
        let chat = chat(stores, &log, &accounts, &graph);
        let media = media(stores).await?;
        let neighbours = content::Neighbours {
            people,
            relations: relations.clone(),
            media: Arc::new(Uploads { media: media.clone(), clock: clock.clone() }),
            engagements: Arc::new(ContentEngagements(engagement::Tally::new(stores.db.clone()))),
        };
        let content = content::Service::new(stores.db.clone(), neighbours, clock.clone());
        let engagement = engagement(stores, &accounts, &graph, &content);
        let inbox = inbox(stores, &accounts, &graph, &content);
        let index = Index::open(stores, config, clock, config.has(Role::Worker))?;
        let found = super::mappings(stores, &log);
        let (feed, feed_worker) = feed(stores, config, clock, &content, &relations).await?;
        let (shown, settings) = (Arc::new(Shown(content.clone())), config.media.clone());
        let media_worker = media::Worker::new(media.clone(), Some(shown), settings, clock.clone());
        let (ranked, learner) = ranked(stores, &feed, &content, &relations).await?;
        let search = search(stores, &index, &accounts, &graph, &content, &chat).await?;
        Ok(Self {
            accounts,
            graph,
            presence,
            chat,
            content,
            engagement,
            inbox,
            feed,
            feed_worker,
            media,
            media_worker,
            ranked,
            learner,
            search,
            relations,
            index,
            found,
        })
    }
}

async fn accounts(stores: &Stores, config: &Config, clock: &Clock) -> Result<Arc<accounts::Service>, Stopped> {
    let (limiter, bus) = (stores.limiter.clone(), stores.bus.clone());
    let started = accounts::Service::start(stores.db.clone(), limiter, bus, config.accounts.clone(), clock.now()).await;
    started.map_err(|error| not_started("accounts", &error))
}

fn presence(
    stores: &Stores,
    config: &Config,
    clock: &Clock,
    accounts: &Arc<accounts::Service>,
    graph: &Arc<graph::Service>,
) -> Arc<presence::Service> {
    let store: Arc<dyn PresenceStore> = match &stores.redis {
        None => presence::store::local::Memory::new(clock.clone(), Times::default()).node(),
        Some(redis) => {
            let prefix = &config.redis.prefix;
            Arc::new(presence::store::redis::RedisPresence::new(redis.clone(), prefix, Times::default()))
        }
    };
    let relations = Arc::new(PresenceRelations { accounts: accounts.clone(), graph: graph.clone() });
    let timing = presence::Timing::default();
    presence::Service::new(store, stores.db.clone(), stores.bus.clone(), relations, clock.clone(), timing)
}

/// Messages live in Cassandra where there is one; there, numbers come from Redis, or from this process if it is alone.
pub async fn message_log(stores: &Stores, config: &Config, clock: &Clock) -> Result<Arc<dyn MessageLog>, Stopped> {
    Ok(match &stores.cassandra {
        None => chat::log::postgres::Postgres::new(stores.db.clone()),
        Some(cassandra) => {
            let sequencer: Arc<dyn Sequencer> = match &stores.redis {
                None => Arc::new(chat::sequencer::local::Local::new(clock.clone())),
                Some(redis) => {
                    let opened = chat::sequencer::redis::Redis::open(redis.clone(), &config.redis.prefix).await;
                    let sequencer = opened.map_err(|error| not_started("chat", &error))?;
                    sequencer.rested().await.map_err(|error| not_started("chat", &error))?;
                    Arc::new(sequencer)
                }
            };
            let indexing = Some(chat::log::cassandra::Indexing::start(stores.db.clone()));
            let opened = chat::log::cassandra::Cassandra::open_indexed(cassandra.clone(), sequencer, indexing).await;
            opened.map_err(|error| not_started("chat", &error))?
        }
    })
}

fn chat(
    stores: &Stores,
    log: &Arc<dyn MessageLog>,
    accounts: &Arc<accounts::Service>,
    graph: &Arc<graph::Service>,
) -> Arc<chat::Service> {
    let people = Arc::new(ChatPeople { accounts: accounts.clone(), graph: graph.clone() });
    chat::Service::new(stores.db.clone(), log.clone(), stores.bus.clone(), people)
}

fn engagement(
    stores: &Stores,
    accounts: &Arc<accounts::Service>,
    graph: &Arc<graph::Service>,
    content: &Arc<content::Service>,
) -> Arc<engagement::Service> {
    let people = Arc::new(EngagementPeople { accounts: accounts.clone(), graph: graph.clone() });
    engagement::Service::new(stores.db.clone(), Arc::new(EngagementContents(content.clone())), people)
}

fn inbox(
    stores: &Stores,
    accounts: &Arc<accounts::Service>,
    graph: &Arc<graph::Service>,
    content: &Arc<content::Service>,
) -> Arc<notifications::Service> {
    let people = Arc::new(InboxPeople { accounts: accounts.clone(), graph: graph.clone() });
    let contents = Arc::new(InboxContents(content.clone()));
    notifications::Service::new(stores.db.clone(), stores.bus.clone(), contents, people)
}

async fn feed(
    stores: &Stores,
    config: &Config,
    clock: &Clock,
    content: &Arc<content::Service>,
    relations: &Arc<Relations>,
) -> Result<(Arc<feed::Service>, Arc<feed::Worker>), Stopped> {
    let timelines: Arc<dyn Timelines> = match &stores.cassandra {
        None => Arc::new(PostgresTimelines::new(stores.db.clone())),
        Some(cassandra) => {
            let opened = CassandraTimelines::open(cassandra.clone()).await;
            Arc::new(opened.map_err(|error| not_started("feed", &error))?)
        }
    };
    let (db, contents, graph) = (stores.db.clone(), Arc::new(FeedContent(content.clone())), relations.clone());
    let received = Arc::new(Received(engagement::Tally::new(db.clone())));
    let (at, settings) = (timelines.clone(), &config.feed);
    let service = feed::Service::new(db.clone(), at, contents.clone(), graph.clone(), received, settings);
    let worker = feed::Worker::new(db, timelines, contents, graph, &config.feed, clock.clone());
    Ok((service, worker))
}

async fn media(stores: &Stores) -> Result<Arc<media::Service>, Stopped> {
    let started = media::Service::start(stores.db.clone(), stores.blobs.clone()).await;
    started.map_err(|error| not_started("media", &error))
}

async fn ranked(
    stores: &Stores,
    following: &Arc<feed::Service>,
    content: &Arc<content::Service>,
    relations: &Arc<Relations>,
) -> Result<(Arc<ranked::Ranked>, Arc<ranked::Learner>), Stopped> {
    let models = ranked::Models::new(stores.db.clone());
    let parts = ranked::Parts {
        db: stores.db.clone(),
        following: following.clone(),
        contents: Arc::new(FeedContent(content.clone())),
        graph: relations.clone(),
        models: models.clone(),
        patience: 1,
        rules: ranked::Rules::default(),
    };
    let started = ranked::Ranked::start(parts).await.map_err(|error| not_started("feed", &error))?;
    Ok((started, ranked::Learner::new(stores.db.clone(), models)))
}

/// Each kind with the slice that shows it.
async fn search(
    stores: &Stores,
    index: &Index,
    accounts: &Arc<accounts::Service>,
    graph: &Arc<graph::Service>,
    content: &Arc<content::Service>,
    chat: &Arc<chat::Service>,
) -> Result<Arc<search::Service>, Stopped> {
    let (accounts, graph, chat) = (accounts.clone(), graph.clone(), chat.clone());
    let contents: Arc<dyn Source> = Arc::new(FoundContent(content.clone()));
    let sources: [(Kind, Arc<dyn Source>); 3] = [
        (PERSON, Arc::new(FoundPeople { accounts: accounts.clone(), graph: graph.clone() })),
        (HASHTAG, Arc::new(FoundHashtags(content.clone()))),
        (MESSAGE, Arc::new(FoundMessages(chat.clone()))),
    ];
    let directory = Arc::new(SearchDirectory { accounts, graph, chat });
    let of_content = ContentKind::ALL.iter().map(|kind| (of_content(*kind), contents.clone()));
    let sources = sources.into_iter().chain(of_content).collect();
    let started = search::Service::start(stores.db.clone(), index.engine.clone(), sources, directory).await;
    started.map_err(|error| not_started("search", &error))
}

fn not_started(slice: &str, error: &dyn Fail) -> Stopped {
    Stopped::new(Exit::StoreUnavailable, format_args!("Plaza does not start: {slice}: {error}."))
}
