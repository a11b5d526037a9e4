//! One generation, opened for reading.

use std::path::Path;
use std::sync::Arc;

use tantivy::columnar::{Column, StrColumn};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocSet, Index, IndexReader, ReloadPolicy, Searcher, SegmentReader, TERMINATED};

use super::schema::{Fields, column};
use super::{broken, is_missing};
use crate::engine::{EngineError, Held};

/// How many blocks of stored texts each segment keeps unpacked, of about 16 KiB each.
const STORE_CACHE_BLOCKS: usize = 16;

pub struct Reading {
    pub index: Index,
    pub fields: Fields,
    reader: IndexReader,
}

impl Reading {
    /// Makes an empty index in a folder that does not exist yet.
    pub fn create(folder: &Path) -> Result<Self, EngineError> {
        let (schema, fields) = Fields::schema();
        std::fs::create_dir_all(folder).map_err(EngineError::broken)?;
        let index = Index::create_in_dir(folder, schema).map_err(broken)?;
        Self::new(index, fields, ReloadPolicy::Manual)
    }

    /// `None`: it is not there (any more).
    pub fn open(folder: &Path, policy: ReloadPolicy) -> Result<Option<Self>, EngineError> {
        if !folder.join("meta.json").exists() {
            return Ok(None);
        }
        let index = match Index::open_in_dir(folder) {
            Ok(index) => index,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(broken(error)),
        };
        let (schema, fields) = Fields::schema();
        if index.schema() != schema {
            return Err(EngineError::broken(format!("{} is of another format", folder.display())));
        }
        Self::new(index, fields, policy).map(Some)
    }

    fn new(index: Index, fields: Fields, policy: ReloadPolicy) -> Result<Self, EngineError> {
        let reader = index.reader_builder().reload_policy(policy).doc_store_cache_num_blocks(STORE_CACHE_BLOCKS);
        let reader = reader.try_into().map_err(broken)?;
        Ok(Self { index, fields, reader })
    }

    /// Takes in the last commit.
    pub fn reload(&self) -> Result<(), EngineError> {
        self.reader.reload().map_err(broken)
    }

    /// The index as it was at one moment.
    pub fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// The versions of everything that is held now, deletions too.
    pub fn versions(&self) -> Result<Versions, EngineError> {
        let searcher = self.searcher();
        let segments = searcher.segment_readers().iter().map(|segment| {
            let ids = segment.inverted_index(self.fields.id)?;
            let versions = segment.fast_fields().u64(column::VERSION)?;
            Ok((segment.clone(), ids, versions))
        });
        let segments = segments.collect::<tantivy::Result<Vec<_>>>().map_err(broken)?;
        Ok(Versions { id: self.fields, segments })
    }

    /// See [`crate::engine::Engine::scan`].
    pub fn scan(&self, after: Option<&str>, limit: usize) -> Result<Vec<Held>, EngineError> {
        let searcher = self.searcher();
        let mut held = Vec::new();
        for segment in searcher.segment_readers() {
            self.scan_segment(segment, after, limit, &mut held).map_err(broken)?;
        }
        held.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        held.truncate(limit);
        Ok(held)
    }

    fn scan_segment(
        &self,
        segment: &SegmentReader,
        after: Option<&str>,
        limit: usize,
        held: &mut Vec<Held>,
    ) -> tantivy::Result<()> {
        let fast = segment.fast_fields();
        let (versions, fingerprints) = (fast.u64(column::VERSION)?, fast.u64(column::FINGERPRINT)?);
        let deleted = fast.i64(column::DELETED_AT)?;
        let ids = segment.inverted_index(self.fields.id)?;
        let range = ids.terms().range();
        let mut terms = if let Some(after) = after { range.gt(after) } else { range }.into_stream()?;
        let mut found = 0;
        while found < limit && terms.advance() {
            let mut docs = ids.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            while docs.doc() != TERMINATED {
                let doc = docs.doc();
                if !segment.is_deleted(doc) && deleted.first(doc).is_none() {
                    held.push(Held {
                        id: String::from_utf8_lossy(terms.key()).into_owned(),
                        version: versions.first(doc).unwrap_or_default(),
                        fingerprint: fingerprints.first(doc).unwrap_or_default(),
                    });
                    found += 1;
                }
                docs.advance();
            }
        }
        Ok(())
    }
}

/// Which version an id has, as of one commit.
pub struct Versions {
    id: Fields,
    segments: Vec<(SegmentReader, Arc<tantivy::InvertedIndexReader>, Column<u64>)>,
}

impl Versions {
    pub fn of(&self, id: &str) -> Result<Option<u64>, EngineError> {
        let term = Term::from_field_text(self.id.id, id);
        let mut newest = None;
        for (segment, ids, versions) in &self.segments {
            let docs = ids.read_postings(&term, IndexRecordOption::Basic).map_err(EngineError::broken)?;
            let Some(mut docs) = docs else { continue };
            while docs.doc() != TERMINATED {
                if !segment.is_deleted(docs.doc()) {
                    newest = newest.max(versions.first(docs.doc()));
                }
                docs.advance();
            }
        }
        Ok(newest)
    }
}

/// The ids of a segment: their order is that of the numbers that stand for them.
pub fn ids(segment: &SegmentReader) -> tantivy::Result<Option<StrColumn>> {
    segment.fast_fields().str(column::ID)
}
