//! A batch becomes requests.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::OpenSearch;
use super::bulk::{self, Line, Outcome};
use crate::document::Kind;
use crate::engine::{EngineError, Generation, Item};

/// Requests of one batch that are under way at once: OpenSearch works on one while the next is being sent.
const BULKS_AT_ONCE: usize = 2;

impl OpenSearch {
    /// Fails unless every generation of the batch is there.
    pub(super) async fn must_exist(&self, batch: &[Item]) -> Result<(), EngineError> {
        let mut asked: HashSet<_> = batch.iter().map(|item| (item.kind, item.generation)).collect();
        asked.retain(|generation| !self.known.lock().contains(generation));
        for (kind, generation) in asked {
            if !self.survey(kind).await?.contains_key(&generation) {
                return Err(EngineError::NoGeneration { kind, generation });
            }
        }
        Ok(())
    }

    /// Writes items of which no two are of the same document.
    pub(super) async fn write_distinct(&self, batch: &[Item], items: Vec<usize>) -> Result<Outcome, EngineError> {
        let mut requests = Vec::new();
        let (mut request, mut bytes) = (Vec::new(), 0);
        for number in items {
            let item = &batch[number];
            let line = Line::of(number, item, self.names.write_alias(item.kind, item.generation))?;
            let full = request.len() == bulk::REQUEST_ITEMS_MAX || bytes + line.len() > bulk::REQUEST_BYTES;
            if full && !request.is_empty() {
                requests.push(std::mem::take(&mut request));
                bytes = 0;
            }
            bytes += line.len();
            request.push(line);
        }
        requests.push(request);
        stream::iter(requests.into_iter().filter(|request| !request.is_empty()))
            .map(|lines| bulk::deliver(&self.client, lines, self.patience))
            .buffer_unordered(BULKS_AT_ONCE)
            .try_fold(Outcome::default(), async |mut all, one| {
                all.stale += one.stale;
                all.refused.extend(one.refused);
                all.homeless = all.homeless.or(one.homeless);
                Ok(all)
            })
            .await
    }
}

/// Numbers of items in waves: in each wave a document occurs once, and in their order from wave to wave.
pub(super) fn waves(batch: &[Item], sound: Vec<usize>) -> Vec<Vec<usize>> {
    let mut seen: HashMap<(Kind, Generation, &str), usize> = HashMap::with_capacity(sound.len());
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for number in sound {
        let item = &batch[number];
        let wave = seen.entry((item.kind, item.generation, item.id())).and_modify(|wave| *wave += 1).or_insert(0);
        if waves.len() <= *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push(number);
    }
    waves
}
