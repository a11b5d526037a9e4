//! The port, on threads that may wait for files.

use async_trait::async_trait;

use super::{Tantivy, Writer, shelf};
use crate::document::Kind;
use crate::engine::{
    BATCH_ITEMS_MAX, Engine, EngineError, Generation, Held, Item, POSITION_BYTES_MAX, SCAN_MAX, Written,
};
use crate::query::{Page, Query};

#[async_trait]
impl Engine for Tantivy {
    async fn probe(&self) -> Result<(), EngineError> {
        self.blocking(|inner| {
            inner.opened()?;
            inner.writer.as_ref().map_or(Ok(()), Writer::check)
        })
        .await
    }

    async fn create(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        self.blocking(move |inner| inner.create(shelf(kind, generation))).await
    }

    async fn write(&self, batch: Vec<Item>) -> Result<Written, EngineError> {
        if batch.len() > BATCH_ITEMS_MAX {
            return Err(EngineError::Limit);
        }
        self.blocking(move |inner| inner.write(&batch)).await
    }

    async fn commit(&self, position: &str) -> Result<(), EngineError> {
        if position.len() > POSITION_BYTES_MAX {
            return Err(EngineError::Limit);
        }
        let position = position.to_owned();
        self.blocking(move |inner| inner.commit(position)).await
    }

    async fn position(&self) -> Result<Option<String>, EngineError> {
        self.blocking(|inner| Ok(inner.opened()?.manifest.position.clone())).await
    }

    fn keeps_position(&self) -> bool {
        true
    }

    async fn generations(&self, kind: Kind) -> Result<Vec<Generation>, EngineError> {
        self.blocking(move |inner| {
            let manifest = inner.opened()?.manifest;
            let of_kind = manifest.shelves.iter().filter(|shelf| shelf.kind == kind.name());
            Ok(of_kind.map(|shelf| shelf.generation).collect())
        })
        .await
    }

    async fn live(&self, kind: Kind) -> Result<Option<Generation>, EngineError> {
        self.blocking(move |inner| Ok(inner.opened()?.manifest.live.get(kind.name()).copied())).await
    }

    async fn swap(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        self.blocking(move |inner| inner.swap(kind, generation)).await
    }

    async fn drop_generation(&self, kind: Kind, generation: Generation) -> Result<(), EngineError> {
        self.blocking(move |inner| inner.drop_generation(kind, generation)).await
    }

    async fn search(&self, query: &Query) -> Result<Page, EngineError> {
        query.check()?;
        let query = query.clone();
        self.blocking(move |inner| inner.search(&query)).await
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
        let after = after.map(str::to_owned);
        self.blocking(move |inner| {
            let opened = inner.opened()?;
            let reading = opened.shelves.get(&shelf(kind, generation));
            reading.ok_or(EngineError::NoGeneration { kind, generation })?.scan(after.as_deref(), limit)
        })
        .await
    }
}
