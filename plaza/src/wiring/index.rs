//! The search index: which engine holds it, what is in it, who writes it.

use std::sync::Arc;

use chat::log::MessageLog;
use index::engine::tantivy::{self, Tantivy};
use index::pipeline::{CONSUMER, Mapping, Mappings, Pipeline};
use index::{Engine, EngineError};
use kernel::{Clock, ContentKind};
use tokio_util::sync::CancellationToken;

use super::Stores;
use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::startup;

/// An engine, and what this process may do with it.
#[derive(Clone)]
pub struct Index {
    pub engine: Arc<dyn Engine>,
    /// Which engine it is. An index that another one held is not gone on with.
    name: &'static str,
    /// Whether this process may write it.
    pub writable: bool,
}

impl Index {
    /// OpenSearch where there is one, else an index in the data folder. Of the processes that use one folder, the first
    /// writes, and the others read.
    pub fn open(stores: &Stores, config: &Config, clock: &Clock, write: bool) -> Result<Self, Stopped> {
        if let Some(engine) = stores.opensearch.clone() {
            return Ok(Self { engine, name: "opensearch", writable: write });
        }
        let folder = startup::data_path(config)?.join("search");
        let settings = tantivy::Settings { folder, ..tantivy::Settings::default() };
        let opened = match write {
            true => Tantivy::open(settings.clone(), clock.clone()).map(|engine| (engine, true)),
            false => Tantivy::read_only(settings.clone(), clock.clone()).map(|engine| (engine, false)),
        };
        let opened = match opened {
            Err(EngineError::Locked { folder, holder }) => {
                tracing::info!(folder, holder, "another process writes the search index; this one reads it");
                Tantivy::read_only(settings, clock.clone()).map(|engine| (engine, false))
            }
            opened => opened,
        };
        let (engine, writable) = opened.map_err(|error| {
            Stopped::new(Exit::DataFolder, format_args!("The search index cannot be opened: {error}."))
        })?;
        Ok(Self { engine: Arc::new(engine), name: "tantivy", writable })
    }

    /// Keeps the index in step with the tables until `stop`, in this or, while another process does it, in that one.
    pub async fn follow(
        self,
        mappings: Mappings,
        stream: cdc::Parts,
        stop: CancellationToken,
    ) -> Result<(), cdc::Error> {
        let spec = cdc::Spec::new(CONSUMER, mappings.tables());
        let (db, clock) = (stream.db.clone(), stream.clock.clone());
        let pipeline = Pipeline::new(db, self.engine, self.name, mappings, clock);
        cdc::run(Box::new(pipeline), spec, stream, stop).await
    }
}

/// Everything that can be found: one line a kind, and every kind of content. `log` is what [`super::slices::message_log`] opens.
pub fn mappings(stores: &Stores, log: &Arc<dyn MessageLog>) -> Mappings {
    let messages: Arc<dyn Mapping> = match &stores.cassandra {
        None => Arc::new(chat::documents::Messages),
        Some(_) => Arc::new(chat::documents::Logged(log.clone())),
    };
    let mut mappings: Vec<Arc<dyn Mapping>> =
        vec![Arc::new(accounts::documents::People), Arc::new(content::documents::Hashtags), messages];
    for kind in ContentKind::ALL {
        mappings.push(Arc::new(content::documents::Contents(*kind)));
    }
    Mappings::new(mappings)
}
