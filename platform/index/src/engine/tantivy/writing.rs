//! One generation, opened for writing.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::RangeQuery;
use tantivy::schema::Term;
use tantivy::{IndexWriter, TantivyDocument};

use super::broken;
use super::reading::{Reading, Versions};
use crate::engine::{DELETION_KEPT, EngineError, Write};

/// Deletions older than [`DELETION_KEPT`] are looked for this often.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
/// Segments are merged early when more than this share of them is replaced or deleted.
const DELETED_SHARE_MAX: f32 = 0.3;
/// Most writes between two commits whose versions are kept at hand; what is beyond is committed, without a position.
const PENDING_MAX: usize = 200_000;

pub struct Writing {
    reading: Arc<Reading>,
    writer: IndexWriter,
    /// As of the last commit …
    versions: Versions,
    /// … and what came since.
    pending: HashMap<String, u64>,
    purged_at: Timestamp,
    dirty: bool,
}

impl Writing {
    pub fn open(reading: Arc<Reading>, memory_bytes: usize) -> Result<Self, EngineError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(memory_bytes)
            .build();
        let writer = reading.index.writer_with_options::<TantivyDocument>(options).map_err(broken)?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(DELETED_SHARE_MAX);
        writer.set_merge_policy(Box::new(policy));
        let versions = reading.versions()?;
        Ok(Self { reading, writer, versions, pending: HashMap::new(), purged_at: Timestamp::default(), dirty: false })
    }

    /// Whether it was applied; `false`: something newer is held.
    pub fn apply(&mut self, version: u64, write: &Write, now: Timestamp) -> Result<bool, EngineError> {
        let id = match write {
            Write::Put(document) => &document.id,
            Write::Delete(id) => id,
        };
        let held = match self.pending.get(id) {
            Some(version) => Some(*version),
            None => self.versions.of(id)?,
        };
        if held.is_some_and(|held| held > version) {
            return Ok(false);
        }
        let fields = &self.reading.fields;
        let document = match write {
            Write::Put(document) => fields.document(version, document).map_err(EngineError::broken)?,
            Write::Delete(id) => fields.tombstone(version, id, now),
        };
        if held.is_some() {
            self.writer.delete_term(Term::from_field_text(fields.id, id));
        }
        self.writer.add_document(document).map_err(broken)?;
        self.pending.insert(id.clone(), version);
        self.dirty = true;
        if self.pending.len() >= PENDING_MAX {
            self.commit(None, now)?;
        }
        Ok(true)
    }

    /// Durable and visible when it returns. The position in the payload is for whoever looks into a single index; the one that
    /// counts is in the manifest.
    pub fn commit(&mut self, position: Option<&str>, now: Timestamp) -> Result<(), EngineError> {
        if now.since(self.purged_at) >= PURGE_EVERY {
            self.purge(now)?;
        }
        if !self.dirty {
            return Ok(());
        }
        let mut commit = self.writer.prepare_commit().map_err(broken)?;
        if let Some(position) = position {
            commit.set_payload(position);
        }
        commit.commit().map_err(broken)?;
        self.reading.reload()?;
        self.versions = self.reading.versions()?;
        self.pending.clear();
        self.dirty = false;
        Ok(())
    }

    /// Forgets deletions that nothing can be older than any more.
    fn purge(&mut self, now: Timestamp) -> Result<(), EngineError> {
        let before = Term::from_field_i64(self.reading.fields.deleted_at, now.minus(DELETION_KEPT).as_millis());
        let old = RangeQuery::new(Bound::Unbounded, Bound::Excluded(before));
        self.writer.delete_query(Box::new(old)).map_err(broken)?;
        self.purged_at = now;
        self.dirty = true;
        Ok(())
    }
}
