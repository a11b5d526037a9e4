//! Who is connected to whom.
//!
//! Every slice is built in one function of [`slices`], from the stores and from the slices that it asks through traits of
//! its own; [`adapters`] implements those traits. To add a slice: a field and a function in `slices`, an adapter for each
//! trait that it asks for, then its routes, commands, consumers and loops in the lists below.

pub mod adapters;
#[cfg(test)]
mod contract;
mod index;
mod slices;
mod stores;

use std::sync::Arc;

use axum::Router;
use gateway::Gateway;
use kernel::Clock;
use live::CommandSet;
use postgres::outbox::{Consumer, Dispatch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use web::{Edge, Routes};

use crate::config::{Config, Role};
use crate::exit::Stopped;
use crate::health::{self, Health};
use adapters::{FeedContent, FoundContent, Popular};
pub use index::{Index, mappings};
pub use slices::{Slices, message_log};
pub use stores::Stores;

/// What this process serves and does.
pub struct Plaza {
    pub router: Router,
    /// Loops in the background. They end when the token is cancelled that they were started with.
    pub tasks: TaskTracker,
    health: Arc<Health>,
    gateway: Option<Arc<Gateway>>,
}

/// Builds what the roles of `config` ask for.
pub async fn plaza(stores: &Stores, config: &Config, clock: Clock, stop: &CancellationToken) -> Result<Plaza, Stopped> {
    let slices = Slices::start(stores, config, &clock).await?;
    let health = Health::new(stores.probes());
    let tasks = TaskTracker::new();
    let keys = web::idempotency::Keys::new(stores.db.clone(), clock.clone());
    let edge =
        Edge::new(config.web.clone(), slices.accounts.clone(), stores.limiter.clone(), keys.clone(), clock.clone());

    let mut beside = health::router(Arc::clone(&health));
    if config.metrics_listen.is_none() {
        beside = beside.merge(health::metrics());
    }
    let gateway = config.has(Role::Gateway).then(|| gateway(stores, &slices, config, &clock));
    if let Some(gateway) = &gateway {
        beside = beside.merge(gateway.router());
        tasks.spawn(Arc::clone(gateway).run(stop.clone()));
    }
    if config.has(Role::Api) {
        beside = beside.merge(console::router());
        tasks.spawn(slices.feed.clone().run(clock.clone(), stop.clone()));
    }
    // Whoever serves pages takes over what was learned, whoever it was that learned it.
    if config.has(Role::Api) || config.has(Role::Worker) {
        tasks.spawn(slices.learner.clone().run(clock.clone(), stop.clone()));
    }
    let operations = if config.has(Role::Api) { operations(&slices) } else { Routes::new() };
    tasks.spawn(slices.accounts.clone().run(clock.clone(), stop.clone()));
    // Settings are changed over REST: who is told of them, and when somebody vanished, is told from there.
    if config.has(Role::Gateway) || config.has(Role::Api) {
        tasks.spawn(slices.presence.clone().run(stop.clone()));
        tasks.spawn(slices.chat.clone().run(clock.clone(), stop.clone()));
    }
    if config.has(Role::Worker) {
        let consumers = consumers(stores, &slices, &clock);
        tasks.spawn(events(stores, config, &clock, stop));
        tasks.spawn(search_index(stores, &slices, config, &clock, stop));
        tasks.spawn(slices.engagement.clone().run(clock.clone(), stop.clone()));
        tasks.spawn(Dispatch::new(stores.db.clone(), clock, consumers).run(stop.clone()));
        tasks.spawn(slices.feed_worker.clone().run(stop.clone()));
        tasks.spawn(slices.media_worker.clone().run(stop.clone()));
        tasks.spawn(slices.content.clone().expire(stop.clone()));
        tasks.spawn(keys.run(stop.clone()));
    }
    Ok(Plaza { router: edge.router(operations, beside), tasks, health, gateway })
}

/// The WebSocket, with every slice's commands.
fn gateway(stores: &Stores, slices: &Slices, config: &Config, clock: &Clock) -> Arc<Gateway> {
    Gateway::new(gateway::Parts {
        bus: stores.bus.clone(),
        authenticator: slices.accounts.clone(),
        commands: commands(slices),
        sources: vec![slices.chat.clone()],
        lifecycle: vec![slices.presence.clone()],
        clock: clock.clone(),
        limits: config.gateway.limits(),
        origins: config.gateway.origins.clone(),
    })
}

/// Socket commands, slice by slice.
fn commands(slices: &Slices) -> CommandSet {
    CommandSet::new([presence::socket(slices.presence.clone()), chat::socket(slices.chat.clone())])
}

/// REST, slice by slice.
fn operations(slices: &Slices) -> Routes {
    Routes::new()
        .merge(accounts::routes(slices.accounts.clone(), slices.relations.clone()))
        .merge(graph::routes(slices.graph.clone()))
        .merge(presence::routes(slices.presence.clone()))
        .merge(chat::routes(slices.chat.clone()))
        .merge(content::routes(slices.content.clone()))
        .merge(engagement::routes(slices.engagement.clone()))
        .merge(notifications::routes(slices.inbox.clone()))
        .merge(feed::routes(slices.feed.clone()))
        .merge(media::routes(slices.media.clone()))
        .merge(feed::ranked::routes(slices.ranked.clone()))
        .merge(search::routes(slices.search.clone()))
}

/// Gives outbox events their order, by the change stream.
pub fn events(
    stores: &Stores,
    config: &Config,
    clock: &Clock,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let sink = Box::new(cdc::events::Events::new(stores.db.clone()));
    let running = Box::pin(cdc::run(sink, cdc::events::spec(), stream(stores, config, clock), stop.clone()));
    // It says itself why it stopped.
    async { drop(running.await) }
}

/// Keeps the search index in step with the tables, by the change stream.
fn search_index(
    stores: &Stores,
    slices: &Slices,
    config: &Config,
    clock: &Clock,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (index, stream) = (slices.index.clone(), stream(stores, config, clock));
    let found = slices.found.clone();
    let writes = index.writable;
    let running = Box::pin(index.follow(found, stream, stop.clone()));
    async move {
        if writes {
            drop(running.await);
        }
    }
}

/// What every reader of the change stream needs.
pub fn stream(stores: &Stores, config: &Config, clock: &Clock) -> cdc::Parts {
    cdc::Parts { db: stores.db.clone(), settings: config.cdc.clone(), clock: clock.clone() }
}

/// Who acts on outbox events.
pub fn consumers(stores: &Stores, slices: &Slices, clock: &Clock) -> Vec<Arc<dyn Consumer>> {
    vec![
        Arc::new(accounts::Closer(stores.bus.clone())),
        slices.graph.clone(),
        presence::consumer(slices.presence.clone()),
        Arc::new(engagement::Keeper { engagement: slices.engagement.clone(), clock: clock.clone() }),
        Arc::new(notifications::Listener(slices.inbox.clone())),
        Arc::new(chat::Keeper { chat: slices.chat.clone(), clock: clock.clone() }),
        Arc::new(content::Threads { content: slices.content.clone(), clock: clock.clone() }),
        Arc::new(content::Undertaker { content: slices.content.clone(), clock: clock.clone() }),
        slices.feed_worker.clone(),
        slices.media_worker.clone(),
        feed::ranked::Listener::new(stores.db.clone(), Arc::new(FeedContent(slices.content.clone())), clock.clone()),
        search::Recounter::new(Arc::new(Popular {
            accounts: slices.accounts.clone(),
            graph: slices.graph.clone(),
            content: slices.content.clone(),
            tally: engagement::Tally::new(stores.db.clone()),
        })),
        search::Counter::new(stores.db.clone(), Arc::new(FoundContent(slices.content.clone())), clock.clone()),
    ]
}

impl Plaza {
    /// Says everywhere that this process is going, and waits until its sockets have gone elsewhere.
    pub async fn drain(&self) {
        self.health.drain();
        if let Some(gateway) = &self.gateway {
            gateway.drain().await;
        }
    }
}
