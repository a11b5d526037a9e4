//! The sink: what a stream's calls do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cdc::{Batch, Checkpoint, Lsn, Next, Sink, SinkError, SlotIdentity, Start, Worked};
use kernel::{Clock, Timestamp};
use postgres::{Db, fault};
use tokio::time::Instant;

use super::metrics::METRICS;
use super::state::{self, Kept, State};
use super::touched::Touched;
use super::{Mappings, PipelineError, dead, marks, requests, snapshot, tables};
use crate::{Engine, Kind};

/// What the consumer of the change stream that keeps the index is called.
pub const CONSUMER: &str = "plaza_search";

/// How long what is written may wait until searches find it.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// The same while the index is behind by more than that: a commit costs an engine as much as thousands of documents do, and what
/// counts is to catch up.
const COMMIT_EVERY_BEHIND: Duration = Duration::from_secs(3);
/// Items after which a commit does not wait.
const COMMIT_ITEMS_MAX: usize = 20_000;
/// How often the position is saved while it moves and nothing is written.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked what others ask for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether a table was rewritten, in looks.
const TABLES_EVERY: u32 = 5;

/// Keeps an index in step with the tables. See the module's docs.
pub struct Pipeline {
    pub(super) db: Db,
    pub(super) engine: Arc<dyn Engine>,
    /// Which engine it is: another one has another index.
    pub(super) engine_name: String,
    pub(super) mappings: Mappings,
    pub(super) clock: Clock,
    pub(super) consumer: String,
    pub(super) epoch: i64,
    pub(super) state: State,
    /// Every commit before this was applied; it is durable up to the state's position.
    pub(super) applied: Lsn,
    /// Items written since the last commit.
    pub(super) written: usize,
    committed: Instant,
    /// When the newest change that was applied since the last commit was committed.
    newest: Option<Timestamp>,
    /// Whether a batch came since the last step of its own work: else there is nothing more to catch up with.
    fed: bool,
    /// Whether there may be dead letters.
    pub(super) dead: bool,
    looked: Option<Instant>,
    looks: u32,
    /// Builds that failed rest until then; the others go on.
    pub(super) build_rests: HashMap<Kind, Instant>,
}

impl Pipeline {
    #[must_use]
    pub fn new(db: Db, engine: Arc<dyn Engine>, engine_name: &str, mappings: Mappings, clock: Clock) -> Self {
        for kind in mappings.kinds() {
            // At zero from the start, so that the first is seen as one.
            drop(METRICS.refused.get_or_create(&[("kind", kind.name())]));
            drop(METRICS.unreadable.get_or_create(&[("kind", kind.name())]));
        }
        Self {
            db,
            engine,
            engine_name: engine_name.to_owned(),
            mappings,
            clock,
            consumer: CONSUMER.to_owned(),
            epoch: 0,
            state: State::new(engine_name),
            applied: Lsn::ZERO,
            written: 0,
            committed: Instant::now(),
            newest: None,
            fed: false,
            dead: true,
            looked: None,
            looks: 0,
            build_rests: HashMap::new(),
        }
    }

    async fn is_of_this_index(&self, state: &State) -> Result<bool, PipelineError> {
        let kept = self.engine.position().await?;
        Ok(state::speaks_of(state, &self.engine_name, self.engine.keeps_position(), kept.as_deref()))
    }

    async fn start(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), PipelineError> {
        let fresh = State::new(&self.engine_name);
        self.epoch = state::take_over(&self.db, &self.consumer, &fresh).await?;
        let saved = state::load(&self.db, &self.consumer).await?.unwrap_or_else(|| fresh.clone());
        let known = self.is_of_this_index(&saved).await?;
        self.state = if known { saved } else { fresh };
        if let Start::Anew { why, .. } = start {
            tracing::info!(?why, "the search index cannot go on from where it was, and is built anew");
            self.state.kinds.values_mut().for_each(state::KindState::doubt);
        }
        let position = start.from();
        self.state.checkpoint = Some(Checkpoint { slot: slot.clone(), position });
        self.applied = position;
        (self.written, self.newest, self.dead) = (0, None, true);
        self.build_rests.clear();

        for mapping in self.mappings.clone().iter() {
            let (live, all) = (self.engine.live(mapping.kind()).await?, self.engine.generations(mapping.kind()).await?);
            self.state.kind(mapping.kind()).settle(live, &all);
        }
        self.look_at_tables(true).await?;
        self.begin_builds().await?;
        self.drop_strays().await?;
        self.save().await
    }

    async fn take(&mut self, batch: &Batch) -> Result<(), PipelineError> {
        METRICS.changes.inc_by(batch.changes.len() as u64);
        let touched = Touched::of(batch, &self.mappings);
        for kind in &touched.emptied {
            tracing::info!(%kind, "a table was emptied; its documents are built anew");
            self.state.kind(*kind).doubt();
        }
        let emptied = !touched.emptied.is_empty();
        self.bring(touched, &batch.xids).await?;
        self.applied = batch.end;
        self.newest = batch.committed_at.or(self.newest);
        if emptied {
            self.begin_builds().await?;
            self.commit().await?;
        }
        Ok(())
    }

    fn commit_every(&self) -> Duration {
        let behind = self.newest.map_or(Duration::ZERO, |newest| self.clock.now().since(newest));
        if self.fed && behind > COMMIT_EVERY_BEHIND { COMMIT_EVERY_BEHIND } else { COMMIT_EVERY }
    }

    /// Makes durable what was written, when it is time.
    pub(super) async fn commit_if_due(&mut self) -> Result<(), PipelineError> {
        let waited = self.committed.elapsed();
        let due = match self.written {
            0 => self.applied > self.state.position() && waited >= SAVE_EVERY,
            written => written >= COMMIT_ITEMS_MAX || waited >= self.commit_every(),
        };
        if due { self.commit().await } else { Ok(()) }
    }

    /// Makes durable what was written, then saves how far that is.
    pub(super) async fn commit(&mut self) -> Result<(), PipelineError> {
        if self.written > 0 {
            let kept = Kept { commits: self.state.kept.commits + 1, ..self.state.kept };
            self.engine.commit(&kept.text()?).await?;
            self.state.kept = kept;
            if let Some(newest) = self.newest.take() {
                METRICS.searchable.observe(self.clock.now().since(newest).as_secs_f64());
                METRICS.committed_at.set(newest.as_millis() / 1_000);
            }
        }
        if let Some(checkpoint) = &mut self.state.checkpoint {
            checkpoint.position = self.applied;
        }
        self.save().await?;
        self.written = 0;
        self.committed = Instant::now();
        Ok(())
    }

    /// Saves the state. What it speaks of, the cursor of a build for one, must be durable: [`Self::commit`] sees to that.
    pub(super) async fn save(&self) -> Result<(), PipelineError> {
        if state::save(&self.db, &self.consumer, self.epoch, &self.state).await? {
            Ok(())
        } else {
            Err(PipelineError::Overtaken(self.consumer.clone()))
        }
    }

    /// Sees to what others ask for, and to what no change tells.
    async fn look_around(&mut self) -> Result<(), PipelineError> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        self.looks = self.looks.wrapping_add(1);
        let requested = requests::requested(&self.db, &self.consumer).await?;
        let mut doubted = !requested.is_empty();
        for name in &requested {
            if let Some(mapping) = self.mappings.named(name) {
                let state = self.state.kind(mapping.kind());
                // One that is on its way answers the request.
                if state.build.is_none() {
                    state.doubt();
                }
            }
        }
        if self.looks.is_multiple_of(TABLES_EVERY) {
            doubted |= self.look_at_tables(false).await?;
            marks::sweep(&self.db, &self.mappings).await?;
            self.dead = dead::count(&self.db, &self.consumer).await? > 0;
        }
        if doubted {
            self.begin_builds().await?;
            self.commit().await?;
        }
        for name in &requested {
            let mut at = self.db.pool().acquire().await.map_err(fault)?;
            requests::begun(&mut at, &self.consumer, name).await?;
        }
        Ok(())
    }

    /// Doubts the kinds whose tables are not where they were. Whether there are any.
    async fn look_at_tables(&mut self, starting: bool) -> Result<bool, PipelineError> {
        let files = tables::files(&self.db, &self.mappings.tables()).await?;
        if files == self.state.files {
            return Ok(false);
        }
        let known = std::mem::replace(&mut self.state.files, files);
        if starting && !known.is_empty() && self.state.files.keys().any(|table| !known.contains_key(table)) {
            // The stream begins to tell of a table: not of what is being written to it now.
            snapshot::outlast_running(&self.db).await?;
        }
        let moved = |table: &&&str| known.get(**table) != self.state.files.get(**table);
        let mut doubted: Vec<Kind> = Vec::new();
        for mapping in self.mappings.iter() {
            if let Some(table) = mapping.tables().iter().find(moved) {
                if !known.is_empty() {
                    tracing::info!(kind = %mapping.kind(), table, "a table was rewritten; its documents are built anew");
                }
                doubted.push(mapping.kind());
            }
        }
        for kind in &doubted {
            self.state.kind(*kind).doubt();
        }
        Ok(!doubted.is_empty())
    }

    fn next(&self) -> Next {
        let now = Instant::now();
        let goes_on = |kind| {
            let is_built = self.state.of(kind).is_some_and(|state| state.build.is_some());
            is_built && self.build_rests.get(&kind).is_none_or(|until| *until <= now)
        };
        if self.mappings.kinds().into_iter().any(goes_on) {
            return Next::AtOnce;
        }
        let pause = if self.written > 0 { COMMIT_EVERY } else { SAVE_EVERY };
        Next::Within(pause.saturating_sub(self.committed.elapsed()).max(Duration::from_millis(1)))
    }
}

#[async_trait]
impl Sink for Pipeline {
    async fn saved(&mut self) -> Result<Option<Checkpoint>, SinkError> {
        let Some(state) = state::load(&self.db, &self.consumer).await? else { return Ok(None) };
        Ok(if self.is_of_this_index(&state).await? { state.checkpoint } else { None })
    }

    async fn begin(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), SinkError> {
        Ok(self.start(slot, start).await?)
    }

    async fn apply(&mut self, batch: Batch) -> Result<Lsn, SinkError> {
        self.take(&batch).await?;
        self.fed = true;
        self.commit_if_due().await?;
        Ok(self.state.position())
    }

    async fn work(&mut self) -> Result<Worked, SinkError> {
        self.look_around().await?;
        self.build_on().await?;
        self.commit_if_due().await?;
        self.fed = false;
        Ok(Worked { durable: self.state.position(), next: self.next() })
    }

    async fn close(&mut self) -> Result<Lsn, SinkError> {
        self.commit().await?;
        Ok(self.state.position())
    }
}
