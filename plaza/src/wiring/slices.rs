//! The slices, each built in one place.

use std::sync::Arc;

use kernel::{Clock, Fail};

use super::{Stores, adapters};
use crate::config::Config;
use crate::exit::{Exit, Stopped};

/// Every slice of this process.
pub struct Slices {
    pub accounts: Arc<accounts::Service>,
    pub relations: Arc<dyn accounts::Relations>,
    pub graph: Arc<graph::Service>,
}

impl Slices {
    pub async fn start(stores: &Stores, config: &Config, clock: &Clock) -> Result<Self, Stopped> {
        let accounts = accounts(stores, config, clock).await?;
        let graph = graph(stores, &accounts);
        let relations = Arc::new(adapters::AccountRelations(graph.clone()));
        Ok(Self { accounts, relations, graph })
    }
}

async fn accounts(stores: &Stores, config: &Config, clock: &Clock) -> Result<Arc<accounts::Service>, Stopped> {
    let (limiter, bus) = (stores.limiter.clone(), stores.bus.clone());
    let started = accounts::Service::start(stores.db.clone(), limiter, bus, config.accounts.clone(), clock.now()).await;
    started.map_err(|error| not_started("accounts", &error))
}

fn graph(stores: &Stores, accounts: &Arc<accounts::Service>) -> Arc<graph::Service> {
    let people = Arc::new(adapters::GraphPeople(accounts.clone()));
    graph::Service::new(stores.db.clone(), stores.bus.clone(), people)
}

fn not_started(slice: &str, error: &dyn Fail) -> Stopped {
    Stopped::new(Exit::StoreUnavailable, format_args!("Plaza does not start: {slice}: {error}."))
}
