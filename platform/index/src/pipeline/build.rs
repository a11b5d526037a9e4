//! New generations.

use std::sync::Arc;
use std::time::Duration;

use cdc::Snapshot;
use postgres::fault;
use tokio::time::Instant;

use super::hydrate::PORTION;
use super::metrics::METRICS;
use super::state::{Build, Made};
use super::{Mapping, Pipeline, PipelineError, tables};
use crate::{Document, Item, Kind, Write};

/// Rest after a failure that trying again at once would repeat: the stream must not wait for a build.
const REST: Duration = Duration::from_secs(30);

impl Pipeline {
    /// Begins a new generation of every kind that has none, or none that can be trusted. The caller saves.
    pub(super) async fn begin_builds(&mut self) -> Result<(), PipelineError> {
        for mapping in self.mappings.clone().iter() {
            let (kind, revision) = (mapping.kind(), mapping.revision());
            if !self.state.kind(kind).wants_build(revision) {
                continue;
            }
            let expected = match mapping.tables().first() {
                Some(table) => tables::about(&self.db, table).await?,
                None => 0,
            };
            let generation = self.state.kind(kind).newest + 1;
            // What a build before left there has other versions.
            self.engine.drop_generation(kind, generation).await?;
            self.engine.create(kind, generation).await?;
            let begun_at = self.clock.now();
            let made = Made { generation, revision };
            let state = self.state.kind(kind);
            state.newest = generation;
            state.build = Some(Build { made, after: None, documents: 0, expected, begun_at });
            tracing::info!(%kind, generation, expected, "building a generation of the search index");
        }
        Ok(())
    }

    /// Drops generations that are neither live nor being built.
    pub(super) async fn drop_strays(&mut self) -> Result<(), PipelineError> {
        for kind in self.mappings.kinds() {
            let wanted: Vec<_> = self.state.generations(kind).collect();
            for generation in self.engine.generations(kind).await? {
                if !wanted.contains(&generation) {
                    self.engine.drop_generation(kind, generation).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes the next documents of a generation on its way, if there is one.
    pub(super) async fn build_on(&mut self) -> Result<(), PipelineError> {
        let now = Instant::now();
        self.build_rests.retain(|_, until| *until > now);
        let mappings = self.mappings.clone();
        let Some((mapping, build)) = mappings.iter().find_map(|mapping| {
            let build = self.state.of(mapping.kind())?.build.clone()?;
            (!self.build_rests.contains_key(&mapping.kind())).then_some((mapping, build))
        }) else {
            return Ok(());
        };
        let kind = mapping.kind();
        let documents = match self.next_documents(mapping, &build).await {
            Ok(documents) => documents,
            Err(PipelineError::Store(error @ kernel::StoreError::Broken(_))) => {
                tracing::error!(%kind, %error, "a build of the search index cannot go on, and will be tried again");
                self.build_rests.insert(kind, now + REST);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (count, last) = (documents.len(), documents.last().map(|document| document.id.clone()));
        self.write_built(kind, &build, documents).await?;
        if let Some(build) = &mut self.state.kind(kind).build {
            build.documents += count as u64;
            build.after = last.or_else(|| build.after.take());
            METRICS.building.get_or_create(&[("kind", kind.name())]).set(build.documents.cast_signed());
        }
        if count < PORTION { self.finish(kind).await } else { Ok(()) }
    }

    async fn next_documents(&self, mapping: &Arc<dyn Mapping>, build: &Build) -> Result<Vec<Document>, PipelineError> {
        // Everything that was applied was seen by earlier reads: this one sees it too.
        let mut tx = Snapshot::seeing(&self.db, &[]).await?;
        let documents = mapping.scan(&mut tx, build.after.as_deref(), PORTION as i64).await?;
        tx.rollback().await.map_err(fault)?;
        Ok(documents)
    }

    async fn write_built(&mut self, kind: Kind, build: &Build, documents: Vec<Document>) -> Result<(), PipelineError> {
        let (version, generation) = (self.applied.as_u64(), build.made.generation);
        let put = |document| Item { kind, generation, version, write: Write::Put(Arc::new(document)) };
        let items: Vec<Item> = documents.into_iter().map(put).collect();
        self.written += items.len();
        let refused = self.write_items(items).await?;
        self.bury(kind, &refused).await?;
        self.dead |= !refused.is_empty();
        Ok(())
    }

    /// A generation that has every document takes the place of the live one.
    async fn finish(&mut self, kind: Kind) -> Result<(), PipelineError> {
        // Also when nothing was written: what is swapped in is durable, and so is that it is whole.
        self.commit().await?;
        let Some(build) = self.state.kind(kind).build.clone() else { return Ok(()) };
        self.engine.swap(kind, build.made.generation).await?;
        let state = self.state.kind(kind);
        state.live = Some(build.made);
        state.build = None;
        self.save().await?;
        self.drop_strays().await?;
        METRICS.built.get_or_create(&[("kind", kind.name())]).inc();
        METRICS.building.get_or_create(&[("kind", kind.name())]).set(0);
        let took_s = self.clock.now().since(build.begun_at).as_secs();
        tracing::info!(%kind, generation = build.made.generation, documents = build.documents, took_s, "searches read a new generation");
        Ok(())
    }
}
