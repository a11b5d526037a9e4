//! From keys to documents, and from documents into the engine.

use std::collections::HashMap;
use std::sync::Arc;

use cdc::Snapshot;
use kernel::StoreError;
use postgres::{Db, fault};
use tokio_util::task::AbortOnDropHandle;

use super::metrics::METRICS;
use super::touched::Touched;
use super::{Mapping, Pipeline, PipelineError, dead};
use crate::engine::Generation;
use crate::{Document, Item, Kind, Write};

/// Documents that are read, and written, together. What is in memory at once is twice this, of up to 64 KiB each.
pub(super) const PORTION: usize = 1_000;

/// What was read, ready to be written.
struct Loaded {
    kind: Kind,
    ids: Vec<String>,
    items: Vec<Item>,
    /// Ids of what could not be read, and why.
    unreadable: Vec<(String, String)>,
}

/// What it takes to read documents of one kind, apart from the pipeline: on a thread of its own, while another portion is
/// written.
struct Reader {
    db: Db,
    mapping: Arc<dyn Mapping>,
    generations: Vec<Generation>,
    /// What must be visible to what is read.
    xids: Arc<[u32]>,
}

impl Pipeline {
    /// Reads what was touched and writes it. The next portion is read while one is written; portions are written in the order in
    /// which they were read.
    pub(super) async fn bring(&mut self, touched: Touched, xids: &[u32]) -> Result<(), PipelineError> {
        let xids: Arc<[u32]> = xids.into();
        let mut portions = touched.portions(PORTION).into_iter();
        let mut next = portions.next().map(|portion| self.read_ahead(portion, &xids)).transpose()?;
        while let Some(reading) = next.take() {
            let loaded = reading.await.map_err(StoreError::broken)??;
            next = portions.next().map(|portion| self.read_ahead(portion, &xids)).transpose()?;
            self.written += self.write(loaded).await?;
        }
        Ok(())
    }

    fn read_ahead(
        &self,
        (kind, ids): (Kind, Vec<(String, u64)>),
        xids: &Arc<[u32]>,
    ) -> Result<AbortOnDropHandle<Result<Loaded, PipelineError>>, PipelineError> {
        let Some(mapping) = self.mappings.of(kind) else { return Err(PipelineError::UnknownKind(kind.to_string())) };
        let reader = Reader {
            db: self.db.clone(),
            mapping: mapping.clone(),
            generations: self.state.generations(kind).collect(),
            xids: xids.clone(),
        };
        Ok(AbortOnDropHandle::new(tokio::spawn(async move { reader.load(ids).await })))
    }

    /// Writes, and keeps what is refused as dead letters. Returns how many items were written.
    async fn write(&self, loaded: Loaded) -> Result<usize, PipelineError> {
        let Loaded { kind, ids, items, unreadable } = loaded;
        let count = items.len();
        let refused = self.write_items(items).await?;
        METRICS.written.get_or_create(&[("kind", kind.name())]).inc_by(count as u64);
        let mut buried = unreadable;
        buried.extend(refused);
        if self.dead {
            let indexed: Vec<String> = ids.into_iter().filter(|id| buried.iter().all(|(dead, _)| dead != id)).collect();
            dead::revive(&self.db, &self.consumer, kind, &indexed).await?;
        }
        self.bury(kind, &buried).await?;
        Ok(count)
    }

    /// Writes items of one kind, and deletes what the engine will not have: an older form of it must not be found either.
    /// Returns what was refused, and why.
    pub(super) async fn write_items(&self, items: Vec<Item>) -> Result<Vec<(String, String)>, PipelineError> {
        let mut refused = Vec::new();
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let batch: Vec<Item> = items.by_ref().take(PORTION).collect();
            let written = self.engine.write(batch).await?;
            if written.refused.is_empty() {
                continue;
            }
            let mut deletions = Vec::with_capacity(written.refused.len());
            for one in written.refused {
                METRICS.refused.get_or_create(&[("kind", one.kind.name())]).inc();
                tracing::error!(kind = %one.kind, id = one.id, reason = %one.reason, "a document was refused");
                let write = Write::Delete(one.id.clone());
                deletions.push(Item { kind: one.kind, generation: one.generation, version: one.version, write });
                refused.push((one.id, one.reason.to_string()));
            }
            self.engine.write(deletions).await?;
        }
        Ok(refused)
    }

    pub(super) async fn bury(&self, kind: Kind, buried: &[(String, String)]) -> Result<(), PipelineError> {
        if buried.is_empty() {
            return Ok(());
        }
        let mut at = self.db.pool().acquire().await.map_err(fault)?;
        Ok(dead::bury(&mut at, &self.consumer, kind, buried).await?)
    }
}

impl Reader {
    async fn load(&self, ids: Vec<(String, u64)>) -> Result<Loaded, PipelineError> {
        let kind = self.mapping.kind();
        let (ids, versions): (Vec<String>, Vec<u64>) = ids.into_iter().unzip();
        let (documents, unreadable) = self.read(&ids).await?;
        let mut documents: HashMap<String, Arc<Document>> =
            documents.into_iter().map(|document| (document.id.clone(), Arc::new(document))).collect();
        let mut items = Vec::with_capacity(ids.len() * self.generations.len());
        for (id, version) in ids.iter().zip(versions) {
            let document = documents.remove(id);
            for generation in &self.generations {
                let write = document.clone().map_or_else(|| Write::Delete(id.clone()), Write::Put);
                items.push(Item { kind, generation: *generation, version, write });
            }
        }
        Ok(Loaded { kind, ids, items, unreadable })
    }

    /// Reads documents; where one of many cannot be read, the others still are.
    async fn read(&self, ids: &[String]) -> Result<(Vec<Document>, Vec<(String, String)>), PipelineError> {
        let mut documents = Vec::with_capacity(ids.len());
        let mut unreadable = Vec::new();
        let mut open = vec![ids];
        while let Some(ids) = open.pop() {
            let mut tx = Snapshot::seeing(&self.db, &self.xids).await?;
            match self.mapping.load(&mut tx, ids).await {
                Ok(some) => documents.extend(some),
                Err(StoreError::Broken(why)) => match ids {
                    [id] => {
                        tracing::error!(kind = %self.mapping.kind(), id, %why, "a document cannot be read");
                        METRICS.unreadable.get_or_create(&[("kind", self.mapping.kind().name())]).inc();
                        unreadable.push((id.clone(), format!("it cannot be read: {why}")));
                    }
                    _ => {
                        let (former, latter) = ids.split_at(ids.len() / 2);
                        open.extend([former, latter]);
                    }
                },
                Err(error) => return Err(error.into()),
            }
            // Where a statement failed there is nothing more to end.
            tx.rollback().await.map_err(fault)?;
        }
        Ok((documents, unreadable))
    }
}
