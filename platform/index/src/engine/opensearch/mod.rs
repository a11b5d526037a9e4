//! Documents in OpenSearch, 2.x or newer.
//!
//! ## Decisions
//! - **OpenSearch compares, Plaza analyses.** What is indexed are the terms of [`crate::analysis`], space-separated; no
//!   analyzer of OpenSearch's has a say, and with the same terms both engines find the same documents. So no plugin is
//!   needed either. The first characters of names are indexed (`index_prefixes`): a completion is the look-up of a term.
//! - **One index for each generation of a kind**, of one shard, with a strict mapping; see [`names`] for what they are
//!   called. Searches read an alias, which a swap moves in one step.
//! - **The version of a document is `external_gte`**, so that a repeat is taken and a stale write is not. `gc_deletes` keeps
//!   deletions in mind as long as the port promises. OpenSearch does so in memory: one that restarts remembers what its
//!   translog still holds. That is enough, since what could bring a stale write is a request under way, and none outlives
//!   the restart.
//! - **An answered bulk is on disk** (`translog.durability: request`), so a commit only makes visible: it refreshes the live
//!   generations that were written to. The others are refreshed when they are scanned or become live, and nothing refreshes
//!   by the clock.
//! - **Repeated here**: bulks, item by item, with growing waits ([`bulk`]); searches whose index was dropped under them;
//!   reads whose connection broke. Whatever lasts longer is the caller's to wait for.

mod answer;
mod ask;
mod bulk;
mod client;
mod names;
mod schema;
mod settings;
mod version;
mod writing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use opensearch::http::Method;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use self::client::{Answer, Ask, Client, NO_INDEX};
use self::names::Names;
use self::writing::waves;
use super::{
    BATCH_ITEMS_MAX, Engine, EngineError, Generation, Held, Item, POSITION_BYTES_MAX, Refused, SCAN_MAX, Written,
};
use crate::document::Kind;
use crate::query::{Page, Query};

pub use self::bulk::Patience;
pub use self::settings::Settings;
pub use self::version::ServerVersion;

/// Longest search.
const SEARCH_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for what changes the cluster or reads much. On a disk that is busy with something else, making an index
/// takes as long as its slowest `fsync`.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// Within which OpenSearch itself is to have done it: less, so that it can still say that it has not.
const CHANGE: [(&str, &str); 2] = [("timeout", "55s"), ("cluster_manager_timeout", "55s")];
/// Longest wait for a sign of life.
const PROBE_WITHIN: Duration = Duration::from_secs(2);
/// A search whose index was dropped under it is made again so often: each time the alias is looked up anew.
const SEARCHES_MAX: u32 = 3;

/// An [`Engine`] over HTTP.
pub struct OpenSearch {
    client: Client,
    names: Names,
    patience: Patience,
    /// Generations that were seen or made.
    known: Mutex<HashSet<(Kind, Generation)>>,
    /// What the next commit has to make visible.
    written: Mutex<Unseen>,
}

/// Kinds that were written to since they were last made visible.
enum Unseen {
    /// Also by a process before this one, perhaps.
    All,
    Kinds(HashSet<Kind>),
}

impl OpenSearch {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the settings name no OpenSearch, or one in a way that cannot be.
    pub fn new(settings: &Settings) -> Result<Self, EngineError> {
        settings.validate().map_err(EngineError::broken)?;
        let url = settings.url.as_ref().ok_or_else(|| EngineError::broken("no address of an OpenSearch is set"))?;
        Ok(Self {
            client: Client::new(url.expose())?,
            names: Names::new(&settings.prefix),
            patience: Patience::default(),
            known: Mutex::default(),
            written: Mutex::new(Unseen::All),
        })
    }

    /// With other waits between tries.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The generations of a kind, each with whether it is live.
    async fn survey(&self, kind: Kind) -> Result<BTreeMap<Generation, bool>, EngineError> {
        #[derive(Deserialize)]
        struct Index {
            aliases: HashMap<String, Value>,
        }
        let path = format!("/{}/_alias", self.names.pattern(kind));
        let query = [("expand_wildcards", "all")];
        let found: HashMap<String, Index> = self.client.read(&Ask::get(&path).query(&query)).await?;
        let live = self.names.live_alias(kind);
        let all = found
            .into_iter()
            .filter_map(|(name, index)| Some((self.names.generation(kind, &name)?, index.aliases.contains_key(&live))));
        let all: BTreeMap<_, _> = all.collect();
        self.known.lock().extend(all.keys().map(|generation| (kind, *generation)));
        Ok(all)
    }

    async fn refresh(&self, indexes: &str) -> Result<(), EngineError> {
        let path = format!("/{indexes}/_refresh");
        let query = [("ignore_unavailable", "true"), ("allow_no_indices", "true")];
        let answer = self.client.repeat(&Ask::post(&path).query(&query).within(CHANGE_WITHIN)).await?.good()?;
        whole(&answer)
    }
}

/// Fails unless all shards have answered.
fn whole(answer: &Answer) -> Result<(), EngineError> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "_shards")]
        shards: Shards,
    }
    #[derive(Deserialize)]
    struct Shards {
        failed: u32,
    }
    match answer.parse::<Body>()?.shards.failed {
        0 => Ok(()),
        failed => Err(EngineError::Unavailable(format!("{failed} shards did not answer").into())),
    }
}

/// A change of the cluster that not every node has heard of within the time.
fn acknowledged(answer: &Answer) -> Result<(), EngineError> {
    #[derive(Deserialize)]
    struct Body {
        acknowledged: bool,
    }
    if answer.parse::<Body>()?.acknowledged {
        Ok(())
    } else {
        Err(EngineError::Unavailable("the cluster did not acknowledge in time".into()))
    }
}

#[async_trait]
impl Engine for OpenSearch {
    async fn probe(&self) -> Result<(), EngineError> {
        // Once, and soon: who probes asks again anyhow.
        self.client.send(&Ask::get("/").within(PROBE_WITHIN)).await?.good().map(drop)
    }

    async fn create(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        let path = format!("/{}", self.names.index(kind, generation));
        let body = schema::index(&self.names.write_alias(kind, generation));
        let ask = Ask::new(Method::Put, &path).query(&CHANGE).json(&body).within(CHANGE_WITHIN);
        let answer = self.client.repeat(&ask).await?;
        if !answer.says("resource_already_exists_exception") {
            acknowledged(&answer.good()?)?;
        }
        self.known.lock().insert((kind, generation));
        Ok(())
    }

    async fn write(&self, batch: Vec<Item>) -> Result<Written, EngineError> {
        if batch.len() > BATCH_ITEMS_MAX {
            return Err(EngineError::Limit);
        }
        self.must_exist(&batch).await?;
        let mut written = Written::default();
        let refused = |number: usize, reason| {
            let item: &Item = &batch[number];
            let (kind, generation, id, version) = (item.kind, item.generation, item.id().to_owned(), item.version);
            Refused { kind, generation, id, version, reason }
        };
        let mut sound = Vec::with_capacity(batch.len());
        for (number, item) in batch.iter().enumerate() {
            match item.check() {
                Ok(()) => sound.push(number),
                Err(reason) => written.refused.push(refused(number, reason)),
            }
        }
        if let Unseen::Kinds(kinds) = &mut *self.written.lock() {
            kinds.extend(batch.iter().map(|item| item.kind));
        }
        for wave in waves(&batch, sound) {
            let outcome = self.write_distinct(&batch, wave).await?;
            written.stale += outcome.stale;
            written.refused.extend(outcome.refused.into_iter().map(|(number, reason)| refused(number, reason)));
            if let Some(number) = outcome.homeless {
                let (kind, generation) = (batch[number].kind, batch[number].generation);
                self.known.lock().remove(&(kind, generation));
                return Err(EngineError::NoGeneration { kind, generation });
            }
        }
        Ok(written)
    }

    async fn commit(&self, position: &str) -> Result<(), EngineError> {
        if position.len() > POSITION_BYTES_MAX {
            return Err(EngineError::Limit);
        }
        let unseen = std::mem::replace(&mut *self.written.lock(), Unseen::Kinds(HashSet::new()));
        let indexes = match &unseen {
            Unseen::All => self.names.everything(),
            Unseen::Kinds(kinds) if kinds.is_empty() => return Ok(()),
            Unseen::Kinds(kinds) => kinds.iter().map(|kind| self.names.live_alias(*kind)).collect::<Vec<_>>().join(","),
        };
        let refreshed = self.refresh(&indexes).await;
        if refreshed.is_err() {
            let mut written = self.written.lock();
            match (&mut *written, unseen) {
                (Unseen::Kinds(since), Unseen::Kinds(kinds)) => since.extend(kinds),
                (written, _) => *written = Unseen::All,
            }
        }
        refreshed
    }

    async fn position(&self) -> Result<Option<String>, EngineError> {
        Ok(None)
    }

    fn keeps_position(&self) -> bool {
        false
    }

    async fn generations(&self, kind: Kind) -> Result<Vec<Generation>, EngineError> {
        Ok(self.survey(kind).await?.into_keys().collect())
    }

    async fn live(&self, kind: Kind) -> Result<Option<Generation>, EngineError> {
        Ok(self.survey(kind).await?.into_iter().rev().find_map(|(generation, live)| live.then_some(generation)))
    }

    async fn swap(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        let all = self.survey(kind).await?;
        if !all.contains_key(&generation) {
            return Err(EngineError::NoGeneration { kind, generation });
        }
        let index = self.names.index(kind, generation);
        self.refresh(&index).await?;
        let alias = self.names.live_alias(kind);
        let old = all.into_iter().filter(|(other, live)| *live && *other != generation);
        let mut actions: Vec<Value> =
            old.map(|(other, _)| json!({"remove": {"index": self.names.index(kind, other), "alias": alias}})).collect();
        actions.push(json!({"add": {"index": index, "alias": alias}}));
        // All of them in one step of the cluster's state.
        let ask = Ask::post("/_aliases").query(&CHANGE).json(&json!({ "actions": actions })).within(CHANGE_WITHIN);
        let answer = self.client.send(&ask).await?;
        if answer.says(NO_INDEX) {
            return Err(EngineError::NoGeneration { kind, generation });
        }
        acknowledged(&answer.good()?)
    }

    async fn drop_generation(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        if self.live(kind).await? == Some(generation) {
            return Err(EngineError::Live { kind, generation });
        }
        self.known.lock().remove(&(kind, generation));
        let path = format!("/{}", self.names.index(kind, generation));
        let answer = self.client.repeat(&Ask::new(Method::Delete, &path).query(&CHANGE).within(CHANGE_WITHIN)).await?;
        if answer.says(NO_INDEX) { Ok(()) } else { acknowledged(&answer.good()?) }
    }

    async fn search(&self, query: &Query) -> Result<Page, EngineError> {
        query.check()?;
        let Some(body) = ask::body(query) else { return Ok(Page { hits: Vec::new(), next: None }) };
        let indexes: Vec<String> = query.kinds.iter().map(|kind| self.names.live_alias(*kind)).collect();
        let path = format!("/{}/_search", indexes.join(","));
        let options = [
            ("ignore_unavailable", "true"),
            ("allow_no_indices", "true"),
            // Half an answer would look like deletions.
            ("allow_partial_search_results", "false"),
        ];
        let ask = Ask::post(&path).query(&options).json(&body).within(SEARCH_WITHIN);
        let mut tries = 1;
        loop {
            let answer = self.client.repeat(&ask).await?;
            if answer.is_good() {
                return answer::page(&answer, query);
            }
            // The generation that the alias named when the search began was dropped before it was read.
            if tries >= SEARCHES_MAX || !(answer.status == 404 || answer.status >= 500) {
                return Err(answer.error());
            }
            tracing::debug!(said = answer.text(), tries, "searching again");
            tries += 1;
        }
    }

    async fn scan(
        &self,
        kind: Kind,
        generation: Generation,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Held>, EngineError> {
        if limit == 0 || limit > SCAN_MAX {
            return Err(EngineError::Limit);
        }
        let index = self.names.index(kind, generation);
        self.refresh(&index).await?;
        let matching = after.map_or(json!({"match_all": {}}), |id| json!({"range": {"id": {"gt": id}}}));
        let body = json!({
            "query": {"constant_score": {"filter": matching}},
            "sort": [{"id": "asc"}],
            "size": limit,
            "version": true,
            "_source": false,
            "docvalue_fields": ["fingerprint"],
            "track_total_hits": false,
        });
        let path = format!("/{index}/_search");
        let options = [("allow_partial_search_results", "false")];
        let ask = Ask::post(&path).query(&options).json(&body).within(CHANGE_WITHIN);
        let answer = self.client.repeat(&ask).await?;
        if answer.says(NO_INDEX) {
            return Err(EngineError::NoGeneration { kind, generation });
        }
        answer::held(&answer.good()?)
    }
}
