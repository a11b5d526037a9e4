//! How rows become documents: what a slice tells of its own tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use postgres::StoreResult;
use sqlx::PgConnection;

use crate::{Document, Kind};

/// One kind of documents, as the slice that owns its tables makes them.
///
/// MUSTs:
/// - A document follows from what is stored, and from nothing else: not from the clock, and not from the change that was seen.
///   Read twice, it is the same.
/// - [`Mapping::touched`] names every document that a change of one of [`Mapping::tables`] may alter. Naming too many
///   costs time; leaving one out lets the index drift.
/// - [`Mapping::scan`] goes through all documents in the order of their ids' bytes.
/// - What is deleted, or is not to be found by anybody, is not loaded.
/// - Statements are not kept prepared (`persistent(false)`): a migration may change what they return while this goes on,
///   and PostgreSQL refuses a prepared statement that would.
#[async_trait]
pub trait Mapping: Send + Sync {
    fn kind(&self) -> Kind;

    /// Raise it when the same rows are to make other documents than before: the kind is then built anew.
    fn revision(&self) -> u32 {
        1
    }

    /// The tables that documents are made of, the one with a row for each document first.
    fn tables(&self) -> &'static [&'static str];

    /// Ids of the documents that a change may alter.
    fn touched(&self, change: &cdc::Change) -> Vec<String>;

    /// Those of `ids` that exist, in any order.
    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>>;

    /// Ids of the documents from `first` to `last`, both included: what a mark of several documents speaks of ([`super::marks`]). Only for
    /// a mapping whose writers leave such marks.
    fn between(&self, _first: &str, _last: &str) -> Vec<String> {
        Vec::new()
    }

    /// Ids of documents that may exist after `document` in its group, at most about `limit`; none at the end. What a mark that was left
    /// behind speaks of ([`super::marks`]); only for a mapping whose writers leave such marks.
    async fn onward(&self, _document: &str, _limit: usize) -> StoreResult<Vec<String>> {
        Ok(Vec::new())
    }

    /// At most `limit` documents whose ids come after `after`, in their order; fewer only at the end.
    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>>;
}

/// All mappings, found by kind and by table.
#[derive(Clone)]
pub struct Mappings {
    all: Arc<[Arc<dyn Mapping>]>,
    by_table: Arc<BTreeMap<&'static str, Vec<usize>>>,
}

impl Mappings {
    #[must_use]
    pub fn new(all: Vec<Arc<dyn Mapping>>) -> Self {
        let mut by_table: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (index, mapping) in all.iter().enumerate() {
            for table in mapping.tables() {
                by_table.entry(table).or_default().push(index);
            }
        }
        Self { all: all.into(), by_table: Arc::new(by_table) }
    }

    /// Every table that a document is made of.
    #[must_use]
    pub fn tables(&self) -> Vec<&'static str> {
        let own: BTreeSet<&'static str> = self.by_table.keys().copied().chain([super::marks::TABLE]).collect();
        own.into_iter().collect()
    }

    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        self.all.iter().map(|mapping| mapping.kind()).collect()
    }

    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&Arc<dyn Mapping>> {
        self.all.iter().find(|mapping| mapping.kind() == kind)
    }

    pub(crate) fn named(&self, kind: &str) -> Option<&Arc<dyn Mapping>> {
        self.all.iter().find(|mapping| mapping.kind().name() == kind)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Mapping>> {
        self.all.iter()
    }

    /// Those that make documents of `table`.
    pub(crate) fn of_table(&self, table: &str) -> impl Iterator<Item = &Arc<dyn Mapping>> {
        self.by_table.get(table).into_iter().flatten().filter_map(|index| self.all.get(*index))
    }
}
