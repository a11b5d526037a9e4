//! Compares the tables with the index.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use cdc::Snapshot;
use kernel::StoreError;
use postgres::{Db, StoreResult, fault};
use tokio::time::{Instant, sleep};

use super::{CONSUMER, KindState, Mapping, PipelineError, requests, state, tables};
use crate::{Engine, Generation, Held, Kind};

/// Documents that are compared at a time.
const PORTION: usize = 1_000;
/// Differences that are looked at twice. With more than that there is no point in looking closer.
const SUSPECTS_MAX: usize = 10_000;
/// Looks at a document that keeps changing, before it is left undecided.
const LOOKS_MAX: usize = 8;
const POLL: Duration = Duration::from_millis(20);
const BUILD_POLL: Duration = Duration::from_millis(250);

/// How a document differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// In the tables, and not in the index.
    Missing,
    /// In the tables, and not in the index, because it could not be indexed.
    Dead { reason: String },
    /// In the index, and not in the tables.
    Surplus { version: cdc::Lsn },
    /// In the index, and not as it is in the tables: as it was at `version` at the earliest.
    Stale { version: cdc::Lsn },
    /// Twice in the index, or not in the order of its ids: the index itself is damaged.
    Twice,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub id: String,
    pub found: Found,
}

/// What a comparison of one kind found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub kind: Kind,
    /// The generation that was compared; `None`: there is none yet.
    pub generation: Option<Generation>,
    pub in_tables: u64,
    pub in_index: u64,
    pub differences: Vec<Difference>,
    /// Documents that changed whenever they were looked at.
    pub undecided: usize,
    /// There were more differences than are looked at.
    pub more: bool,
}

impl Report {
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.generation.is_some() && self.differences.is_empty() && self.undecided == 0 && !self.more
    }
}

/// Compares every document of a kind with the index, while both go on changing.
///
/// What differs at first sight may be on its way. It counts only if it differs still when the index has come up to where the
/// tables were, and the tables say the same as before. Waits up to `patience` for the index to come up, and as long for a
/// generation that is being built to be finished.
pub async fn verify(
    db: &Db,
    engine: &dyn Engine,
    mapping: &Arc<dyn Mapping>,
    patience: Duration,
) -> Result<Report, PipelineError> {
    let kind = mapping.kind();
    catch_up(db, patience).await?;
    settled(db, mapping, patience).await?;
    let Some(generation) = engine.live(kind).await? else {
        let (in_tables, in_index, differences) = (0, 0, Vec::new());
        return Ok(Report { kind, generation: None, in_tables, in_index, differences, undecided: 0, more: false });
    };
    let mut comparison = Comparison { db, engine, mapping, kind, generation };
    let mut first = comparison.sweep().await?;
    let mut differences: Vec<Difference> =
        first.twice.drain(..).map(|id| Difference { id, found: Found::Twice }).collect();
    let mut suspects = first.suspects;
    for _ in 0..LOOKS_MAX {
        if suspects.is_empty() {
            break;
        }
        catch_up(db, patience).await?;
        // A build may have taken the place of what was compared.
        comparison.generation = engine.live(kind).await?.unwrap_or(generation);
        suspects = comparison.look_again(suspects, &mut differences).await?;
    }
    comparison.explain(&mut differences).await?;
    differences.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Report {
        kind,
        generation: Some(comparison.generation),
        in_tables: first.in_tables,
        in_index: first.in_index,
        differences,
        undecided: suspects.len(),
        more: first.more,
    })
}

/// Waits until the index has everything that is committed now.
pub async fn catch_up(db: &Db, patience: Duration) -> Result<(), PipelineError> {
    // The log moves, so that the position can move past all that is in it; a commit puts it on disk at once.
    let wanted: String = sqlx::query_scalar("SELECT pg_logical_emit_message(true, 'plaza.catch_up', '')::text")
        .fetch_one(db.pool())
        .await
        .map_err(fault)?;
    let wanted: cdc::Lsn = wanted.parse().map_err(StoreError::broken)?;
    let give_up = Instant::now() + patience;
    loop {
        let at = state::load(db, CONSUMER).await?.map_or(cdc::Lsn::ZERO, |state| state.position());
        if at >= wanted {
            return Ok(());
        }
        if Instant::now() > give_up {
            return Err(PipelineError::Behind { wanted, at, waited: patience });
        }
        sleep(POLL).await;
    }
}

/// Waits until nothing of a kind is being built, or is about to be.
async fn settled(db: &Db, mapping: &Arc<dyn Mapping>, patience: Duration) -> Result<(), PipelineError> {
    let give_up = Instant::now() + patience;
    loop {
        let files = tables::files(db, mapping.tables()).await?;
        let state = state::load(db, CONSUMER).await?;
        let is_settled = state.as_ref().is_some_and(|state| {
            let known = files.iter().all(|(table, file)| state.files.get(table) == Some(file));
            known && state.of(mapping.kind()).is_some_and(KindState::is_settled)
        });
        if is_settled && requests::requested(db, CONSUMER).await?.is_empty() {
            return Ok(());
        }
        if Instant::now() > give_up {
            let build = state.as_ref().and_then(|state| state.of(mapping.kind())?.build.as_ref());
            let documents = build.map_or(0, |build| build.documents);
            return Err(PipelineError::Building { kind: mapping.kind(), documents, waited: patience });
        }
        sleep(BUILD_POLL).await;
    }
}

struct Comparison<'a> {
    db: &'a Db,
    engine: &'a dyn Engine,
    mapping: &'a Arc<dyn Mapping>,
    kind: Kind,
    generation: Generation,
}

#[derive(Default)]
struct Sweep {
    in_tables: u64,
    in_index: u64,
    /// Ids, each with the fingerprint of what the tables say, if they say anything.
    suspects: BTreeMap<String, Option<u64>>,
    twice: Vec<String>,
    more: bool,
}

impl Comparison<'_> {
    /// Goes through tables and index side by side.
    async fn sweep(&self) -> Result<Sweep, PipelineError> {
        let mut sweep = Sweep::default();
        let (mut tables, mut index) = (Vec::new().into_iter().peekable(), Vec::new().into_iter().peekable());
        let (mut last_row, mut last_held): (Option<String>, Option<String>) = (None, None);
        let (mut tables_end, mut index_end) = (false, false);
        while sweep.suspects.len() < SUSPECTS_MAX {
            if tables.peek().is_none() && !tables_end {
                let rows = self.rows(last_row.as_deref()).await?;
                tables_end = rows.len() < PORTION;
                sweep.in_tables += rows.len() as u64;
                last_row = rows.last().map(|(id, _)| id.clone()).or(last_row);
                tables = rows.into_iter().peekable();
            }
            if index.peek().is_none() && !index_end {
                let held = self.engine.scan(self.kind, self.generation, last_held.as_deref(), PORTION).await?;
                index_end = held.len() < PORTION;
                sweep.in_index += held.len() as u64;
                sweep.twice.extend(twice(last_held.as_deref(), &held));
                last_held = held.last().map(|held| held.id.clone()).or(last_held);
                index = held.into_iter().peekable();
            }
            match (tables.peek(), index.peek()) {
                (None, None) => return Ok(sweep),
                (Some((id, _)), Some(held)) if *id == held.id => {
                    if let (Some((id, said)), Some(held)) = (tables.next(), index.next())
                        && said != held.fingerprint
                    {
                        sweep.suspects.insert(id, Some(said));
                    }
                }
                (Some((id, _)), held) if held.is_none_or(|held| *id < held.id) => {
                    sweep.suspects.extend(tables.next().map(|(id, said)| (id, Some(said))));
                }
                _ => sweep.suspects.extend(index.next().map(|held| (held.id, None))),
            }
        }
        sweep.more = true;
        Ok(sweep)
    }

    /// What is certain now goes to `differences`, what is fine now is dropped; what the tables say otherwise than before is returned,
    /// to be looked at again.
    async fn look_again(
        &self,
        suspects: BTreeMap<String, Option<u64>>,
        differences: &mut Vec<Difference>,
    ) -> Result<BTreeMap<String, Option<u64>>, PipelineError> {
        let mut again = BTreeMap::new();
        let ids: Vec<String> = suspects.keys().cloned().collect();
        for ids in ids.chunks(PORTION) {
            let mut held = HashMap::new();
            for id in ids {
                held.extend(self.held(id).await?.map(|held| (id.clone(), held)));
            }
            let mut tx = Snapshot::seeing(self.db, &[]).await?;
            let documents = self.mapping.load(&mut tx, ids).await?;
            tx.rollback().await.map_err(fault)?;
            let said: HashMap<&str, u64> =
                documents.iter().map(|document| (document.id.as_str(), document.fingerprint())).collect();
            for id in ids {
                let (held, said) = (held.get(id), said.get(id.as_str()).copied());
                if held.map(|held| held.fingerprint) == said {
                    continue;
                }
                if suspects.get(id).copied().flatten() != said {
                    again.insert(id.clone(), said);
                    continue;
                }
                let found = match (held.map(|held| cdc::Lsn::new(held.version)), said) {
                    (Some(version), None) => Found::Surplus { version },
                    (Some(version), Some(_)) => Found::Stale { version },
                    (None, _) => Found::Missing,
                };
                differences.push(Difference { id: id.clone(), found });
            }
        }
        Ok(again)
    }

    async fn rows(&self, after: Option<&str>) -> StoreResult<Vec<(String, u64)>> {
        let mut tx = Snapshot::seeing(self.db, &[]).await?;
        let documents = self.mapping.scan(&mut tx, after, PORTION as i64).await?;
        tx.rollback().await.map_err(fault)?;
        Ok(documents.into_iter().map(|document| (document.id.clone(), document.fingerprint())).collect())
    }

    /// One document of the index.
    async fn held(&self, id: &str) -> Result<Option<Held>, PipelineError> {
        let mut after = just_before(id);
        loop {
            let some = self.engine.scan(self.kind, self.generation, after.as_deref(), 16).await?;
            let (count, last) = (some.len(), some.last().map(|held| held.id.clone()));
            if let Some(held) = some.into_iter().find(|held| held.id.as_str() >= id) {
                return Ok((held.id == id).then_some(held));
            }
            if count < 16 {
                return Ok(None);
            }
            after = last;
        }
    }

    /// Tells those that are missing for a reason from those that are just missing.
    async fn explain(&self, differences: &mut [Difference]) -> StoreResult<()> {
        let missing: Vec<&str> =
            differences.iter().filter(|one| one.found == Found::Missing).map(|one| one.id.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let reasons: Vec<(String, String)> =
            sqlx::query_as("SELECT id, reason FROM search_dead WHERE consumer = $1 AND kind = $2 AND id = ANY($3)")
                .bind(CONSUMER)
                .bind(self.kind.name())
                .bind(missing)
                .fetch_all(self.db.pool())
                .await
                .map_err(fault)?;
        let mut reasons: HashMap<String, String> = reasons.into_iter().collect();
        for difference in differences.iter_mut().filter(|one| one.found == Found::Missing) {
            if let Some(reason) = reasons.remove(&difference.id) {
                difference.found = Found::Dead { reason };
            }
        }
        Ok(())
    }
}

/// A text that comes before `id`, with little between the two.
fn just_before(id: &str) -> Option<String> {
    let mut before = id.to_owned();
    let last = before.pop()?;
    let lower = u32::from(last).checked_sub(1).and_then(char::from_u32);
    before.extend(lower);
    Some(before).filter(|before| !before.is_empty())
}

/// Ids of a scan that do not come after the one before them.
fn twice(before: Option<&str>, held: &[Held]) -> Vec<String> {
    let ids = before.into_iter().chain(held.iter().map(|held| held.id.as_str()));
    let pairs = ids.clone().zip(ids.skip(1));
    pairs.filter(|(former, latter)| former >= latter).map(|(_, latter)| latter.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_just_before_an_id_comes_before_it() {
        for id in ["a", "rust", "0198f3c0-0000-7000-8000-000000000000", "ü", "\u{E000}", "日本", "a\0"] {
            let before = just_before(id).unwrap_or_default();
            assert!(before.as_str() < id, "{id:?}: {before:?}");
        }
    }

    #[test]
    fn an_id_that_does_not_rise_is_noticed() {
        let held = |id: &str| Held { id: id.to_owned(), version: 1, fingerprint: 1 };
        assert_eq!(twice(Some("a"), &[held("b"), held("c")]), Vec::<String>::new());
        assert_eq!(twice(Some("b"), &[held("b"), held("c"), held("c")]), ["b", "c"]);
    }
}
