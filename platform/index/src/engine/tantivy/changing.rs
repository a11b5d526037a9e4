//! What the one writer does. Each takes the lock on the writer's shelves for as long as it lasts.

use std::sync::Arc;

use super::manifest::Shelf;
use super::reading::Reading;
use super::writing::Writing;
use super::{Inner, shelf};
use crate::document::Kind;
use crate::engine::{EngineError, Generation, Item, Refused, Written};

impl Inner {
    pub(super) fn create(&self, shelf: Shelf) -> Result<(), EngineError> {
        let mut writing = self.writer()?.shelves.lock();
        let opened = self.opened()?;
        if opened.manifest.shelves.contains(&shelf) {
            return Ok(());
        }
        let folder = shelf.folder(&self.settings.folder);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(EngineError::broken)?;
        }
        let reading = Arc::new(Reading::create(&folder)?);
        let fresh = Writing::open(Arc::clone(&reading), self.settings.writer_memory_bytes())?;
        let (mut manifest, mut shelves) = ((*opened.manifest).clone(), (*opened.shelves).clone());
        manifest.shelves.insert(shelf.clone());
        shelves.insert(shelf.clone(), reading);
        self.publish(manifest, Arc::new(shelves))?;
        writing.insert(shelf, fresh);
        Ok(())
    }

    pub(super) fn write(&self, batch: &[Item]) -> Result<Written, EngineError> {
        let writer = self.writer()?;
        let mut shelves = writer.shelves.lock();
        writer.check()?;
        for Item { kind, generation, .. } in batch {
            if !shelves.contains_key(&shelf(*kind, *generation)) {
                return Err(EngineError::NoGeneration { kind: *kind, generation: *generation });
            }
        }
        let now = self.clock.now();
        let mut written = Written::default();
        for item in batch {
            let Item { kind, generation, version, write } = item;
            if let Err(reason) = item.check() {
                let id = item.id().to_owned();
                written.refused.push(Refused { kind: *kind, generation: *generation, id, version: *version, reason });
                continue;
            }
            let Some(writing) = shelves.get_mut(&shelf(*kind, *generation)) else { continue };
            match writing.apply(*version, write, now) {
                Ok(true) => {}
                Ok(false) => written.stale += 1,
                Err(error) => return Err(writer.fail(error)),
            }
        }
        Ok(written)
    }

    pub(super) fn commit(&self, position: String) -> Result<(), EngineError> {
        let writer = self.writer()?;
        let mut shelves = writer.shelves.lock();
        writer.check()?;
        let now = self.clock.now();
        for writing in shelves.values_mut() {
            writing.commit(Some(&position), now).map_err(|error| writer.fail(error))?;
        }
        let opened = self.opened()?;
        if opened.manifest.position.as_ref() == Some(&position) {
            return Ok(());
        }
        let mut manifest = (*opened.manifest).clone();
        manifest.position = Some(position);
        self.publish(manifest, opened.shelves)
    }

    pub(super) fn swap(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        let _writing = self.writer()?.shelves.lock();
        let opened = self.opened()?;
        if !opened.manifest.shelves.contains(&shelf(kind, generation)) {
            return Err(EngineError::NoGeneration { kind, generation });
        }
        let mut manifest = (*opened.manifest).clone();
        manifest.live.insert(kind.name().to_owned(), generation);
        self.publish(manifest, opened.shelves)
    }

    pub(super) fn drop_generation(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        let mut writing = self.writer()?.shelves.lock();
        let opened = self.opened()?;
        let gone = shelf(kind, generation);
        if opened.manifest.live.get(kind.name()) == Some(&generation) {
            return Err(EngineError::Live { kind, generation });
        }
        if !opened.manifest.shelves.contains(&gone) {
            return Ok(());
        }
        let (mut manifest, mut shelves) = ((*opened.manifest).clone(), (*opened.shelves).clone());
        manifest.shelves.remove(&gone);
        shelves.remove(&gone);
        self.publish(manifest, Arc::new(shelves))?;
        drop(writing.remove(&gone));
        // A merge may still be writing there. What is left over, the next start sweeps.
        if let Err(error) = std::fs::remove_dir_all(gone.folder(&self.settings.folder)) {
            tracing::info!(%error, %kind, generation, "the files of a dropped generation are left for the next start");
        }
        Ok(())
    }
}
