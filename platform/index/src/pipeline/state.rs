//! Where an index stands, kept beside the tables.

use std::collections::BTreeMap;

use cdc::{Checkpoint, Lsn};
use kernel::{StoreError, Timestamp};
use postgres::{Db, StoreResult, fault};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::Kind;
use crate::engine::Generation;

/// Where an index stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which index this speaks of.
    pub kept: Kept,
    /// Which engine has it.
    pub engine: String,
    /// Every transaction committed before its position is in the index.
    pub checkpoint: Option<Checkpoint>,
    pub kinds: BTreeMap<String, KindState>,
    /// Where each table's rows were stored when last seen: a table that is rewritten moves.
    #[serde(default)]
    pub files: BTreeMap<String, i64>,
}

/// What an engine keeps with the index, so that another folder, or an older copy of this one, is not taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub index: Uuid,
    /// How often the index was committed.
    pub commits: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindState {
    /// The generation that is searched, and the revision of the mapping that made it.
    pub live: Option<Made>,
    pub build: Option<Build>,
    /// The highest generation that there ever was.
    #[serde(default)]
    pub newest: Generation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub generation: Generation,
    pub revision: u32,
}

/// A generation on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    #[serde(flatten)]
    pub made: Made,
    /// The last document that was written.
    pub after: Option<String>,
    pub documents: u64,
    /// About how many there will be.
    pub expected: u64,
    pub begun_at: Timestamp,
}

/// The revision of a generation that has to be built anew; no mapping has it.
const DOUBTED: u32 = 0;

impl State {
    #[must_use]
    pub fn new(engine: &str) -> Self {
        Self {
            kept: Kept { index: Uuid::now_v7(), commits: 0 },
            engine: engine.to_owned(),
            checkpoint: None,
            kinds: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn position(&self) -> Lsn {
        self.checkpoint.as_ref().map_or(Lsn::ZERO, |checkpoint| checkpoint.position)
    }

    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&KindState> {
        self.kinds.get(kind.name())
    }

    pub(crate) fn kind(&mut self, kind: Kind) -> &mut KindState {
        self.kinds.entry(kind.name().to_owned()).or_default()
    }

    /// The generations of a kind that take every change.
    pub(crate) fn generations(&self, kind: Kind) -> impl Iterator<Item = Generation> + use<> {
        let state = self.of(kind);
        let live = state.and_then(|state| state.live).map(|live| live.generation);
        let building = state.and_then(|state| state.build.as_ref()).map(|build| build.made.generation);
        live.into_iter().chain(building)
    }

    #[must_use]
    pub fn is_building(&self) -> bool {
        self.kinds.values().any(|kind| kind.build.is_some())
    }

    /// Whether every kind is searched in a generation that nothing is about to replace. Not so before the first builds begin.
    #[must_use]
    pub fn is_built(&self) -> bool {
        !self.kinds.is_empty() && self.kinds.values().all(|kind| kind.live.is_some() && kind.build.is_none())
    }
}

impl KindState {
    /// What is live is read on, until it is built anew.
    pub(crate) fn doubt(&mut self) {
        self.build = None;
        if let Some(live) = &mut self.live {
            live.revision = DOUBTED;
        }
    }

    /// Takes over what the engine has: the truth, where what was saved says otherwise.
    pub(crate) fn settle(&mut self, live: Option<Generation>, all: &[Generation]) {
        self.newest = all.iter().copied().chain([self.newest]).max().unwrap_or_default();
        if self.build.as_ref().is_some_and(|build| Some(build.made.generation) == live) {
            // It was swapped in, and that was not saved any more.
            self.live = self.build.take().map(|build| build.made);
        }
        if self.build.as_ref().is_some_and(|build| !all.contains(&build.made.generation)) {
            self.build = None;
        }
        if self.live.map(|live| live.generation) != live {
            self.live = live.map(|generation| Made { generation, revision: DOUBTED });
        }
    }

    /// Whether what is live can be trusted, and nothing is on its way.
    pub(crate) fn is_settled(&self) -> bool {
        self.build.is_none() && self.live.is_some_and(|live| live.revision != DOUBTED)
    }

    pub(crate) fn wants_build(&self, revision: u32) -> bool {
        self.build.is_none() && self.live.is_none_or(|live| live.revision != revision)
    }
}

/// What is saved of the index of `consumer`, by whichever process it is that writes it.
pub async fn load(db: &Db, consumer: &str) -> StoreResult<Option<State>> {
    let state: Option<Json<State>> = sqlx::query_scalar("SELECT state FROM search_state WHERE consumer = $1")
        .bind(consumer)
        .fetch_optional(db.pool())
        .await
        .map_err(fault)?;
    Ok(state.map(|state| state.0))
}

/// Takes the row over from whoever had it. The number is for [`save`].
pub(crate) async fn take_over(db: &Db, consumer: &str, fresh: &State) -> StoreResult<i64> {
    sqlx::query_scalar(
        "INSERT INTO search_state AS mine (consumer, epoch, state, saved_at) VALUES ($1, 1, $2, now())
         ON CONFLICT (consumer) DO UPDATE SET epoch = mine.epoch + 1
         RETURNING epoch",
    )
    .bind(consumer)
    .bind(Json(fresh))
    .fetch_one(db.pool())
    .await
    .map_err(fault)
}

/// Saves, unless another process has taken it over: then `false`.
pub(crate) async fn save(db: &Db, consumer: &str, epoch: i64, state: &State) -> StoreResult<bool> {
    let saved = sqlx::query("UPDATE search_state SET state = $3, saved_at = now() WHERE consumer = $1 AND epoch = $2")
        .bind(consumer)
        .bind(epoch)
        .bind(Json(state))
        .execute(db.pool())
        .await
        .map_err(fault)?;
    Ok(saved.rows_affected() == 1)
}

/// Whether `state` is true of an index with which its engine kept `kept` (an engine that keeps nothing is believed). What was
/// saved beside the tables may be one commit behind the index, and is never ahead of it.
pub(crate) fn speaks_of(state: &State, engine: &str, keeps: bool, kept: Option<&str>) -> bool {
    if state.engine != engine {
        return false;
    }
    if !keeps {
        return true;
    }
    if kept.is_none() && state.kept.commits == 0 {
        return true;
    }
    let kept: Option<Kept> = kept.and_then(|kept| serde_json::from_str(kept).ok());
    kept.is_some_and(|kept| kept.index == state.kept.index && kept.commits >= state.kept.commits)
}

impl Kept {
    pub(crate) fn text(self) -> StoreResult<String> {
        serde_json::to_string(&self).map_err(StoreError::broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Kind = Kind::new("post");
    const ONE: Made = Made { generation: 1, revision: 3 };
    const TWO: Made = Made { generation: 2, revision: 4 };

    fn build(made: Made) -> Build {
        let begun_at = Timestamp::from_millis(0);
        Build { made, after: Some("x".to_owned()), documents: 9, expected: 10, begun_at }
    }

    #[test]
    fn an_index_may_be_ahead_of_what_was_saved_and_never_behind() {
        let state = State { kept: Kept { commits: 8, ..State::new("tantivy").kept }, ..State::new("tantivy") };
        let kept = |commits| Kept { commits, ..state.kept }.text().unwrap();
        assert!(speaks_of(&state, "tantivy", true, Some(&kept(8))));
        assert!(speaks_of(&state, "tantivy", true, Some(&kept(9))), "died before it was saved");
        assert!(!speaks_of(&state, "tantivy", true, Some(&kept(7))), "restored from a copy");
        assert!(!speaks_of(&state, "tantivy", true, None), "its folder was emptied");
        assert!(speaks_of(&State::new("tantivy"), "tantivy", true, None), "nothing was committed yet");
        assert!(!speaks_of(&state, "opensearch", false, None), "another engine");
        let other = State::new("tantivy").kept.text().unwrap();
        assert!(!speaks_of(&state, "tantivy", true, Some(&other)), "another folder");
    }

    #[test]
    fn the_engine_knows_best_which_generation_is_live() {
        let state = KindState { live: Some(ONE), build: Some(build(TWO)), newest: 2 };
        let after = |live, all: &[Generation]| {
            let mut state = state.clone();
            state.settle(live, all);
            state
        };
        assert_eq!(after(Some(1), &[1, 2]), state);
        let swapped = after(Some(2), &[1, 2]);
        assert_eq!((swapped.live, &swapped.build), (Some(TWO), &None));
        assert!(!swapped.wants_build(4) && swapped.wants_build(5));
        assert_eq!(after(Some(1), &[1]).build, None, "its generation is gone");
        let emptied = after(None, &[]);
        assert!(emptied.live.is_none() && emptied.wants_build(3));
        let foreign = after(Some(7), &[7]);
        assert_eq!((foreign.live.unwrap().generation, foreign.newest), (7, 7));
        assert!(foreign.wants_build(3) && foreign.wants_build(4), "nobody knows how it was made");
    }

    #[test]
    fn a_generation_in_doubt_is_read_on_and_built_anew() {
        let mut state = State::new("tantivy");
        *state.kind(POST) = KindState { live: Some(ONE), build: Some(build(TWO)), newest: 2 };
        assert_eq!(state.generations(POST).collect::<Vec<_>>(), [1, 2]);
        state.kind(POST).doubt();
        assert_eq!(state.generations(POST).collect::<Vec<_>>(), [1]);
        assert!(state.kind(POST).wants_build(ONE.revision) && !state.kind(POST).is_settled());
    }
}
