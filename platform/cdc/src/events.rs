//! Outbox events, by the stream: each gets its position when it is committed.
//!
//! From then on [`postgres::outbox::Dispatch`] delivers it. The position and the checkpoint of the stream are written
//! in one transaction, so that each event is numbered exactly once, whoever dies when.

use std::time::Duration;

use async_trait::async_trait;
use postgres::outbox;
use postgres::{Db, fault};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::{Batch, Change, Checkpoint, Lsn, Next, Op, Sink, SinkError, SlotIdentity, Snapshot, Spec, Start, Worked};

/// The name of slot, publication and checkpoint.
pub const NAME: &str = "plaza_events";

/// How often it is looked for events that the stream passed by. There are none, unless a slot was lost.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Events that one sweep looks at.
const SWEEP_MAX: i64 = 5_000;

/// What [`Events`] is to be told.
#[must_use]
pub fn spec() -> Spec {
    Spec { inserts_only: true, cheap_to_build: true, ..Spec::new(NAME, [outbox::TABLE]) }
}

/// Gives events their positions.
pub struct Events {
    db: Db,
    saved: Option<Checkpoint>,
    swept_at: Instant,
    suspects: Option<Suspects>,
}

/// Events that had no position although they were committed. Once the stream has told everything up to where the log
/// was, it will not tell of them any more.
struct Suspects {
    log_was: Lsn,
    seqs: Vec<i64>,
}

impl Events {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, saved: None, swept_at: Instant::now(), suspects: None }
    }

    /// Moves the checkpoint to `to` and numbers `seqs`, in one transaction.
    async fn number(&mut self, to: &Checkpoint, seqs: &[i64]) -> Result<(), SinkError> {
        let mut tx = self.db.begin().await?;
        to.advance(&mut tx, NAME, self.saved.as_ref()).await?;
        if !seqs.is_empty() {
            outbox::number(&mut tx, seqs).await?;
        }
        tx.commit().await.map_err(fault)?;
        self.saved = Some(to.clone());
        Ok(())
    }

    fn here(&self) -> Result<Checkpoint, SinkError> {
        self.saved.clone().ok_or_else(|| "a batch came before its stream began".into())
    }

    /// Numbers the suspects that are still without a number; looks for new ones every so often.
    async fn sweep(&mut self) -> Result<(), SinkError> {
        let here = self.here()?;
        if let Some(suspects) = self.suspects.take_if(|suspects| suspects.log_was <= here.position) {
            self.number(&here, &suspects.seqs).await?;
        }
        if self.suspects.is_none() && self.swept_at.elapsed() >= SWEEP_EVERY {
            self.swept_at = Instant::now();
            let mut connection = self.db.pool().acquire().await.map_err(fault)?;
            // First the events, then the log: what they were committed with lies before it.
            let seqs = outbox::without_position(&mut connection, SWEEP_MAX).await?;
            if !seqs.is_empty() {
                self.suspects = Some(Suspects { log_was: log_end(&mut connection).await?, seqs });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Sink for Events {
    async fn saved(&mut self) -> Result<Option<Checkpoint>, SinkError> {
        let mut connection = self.db.pool().acquire().await.map_err(fault)?;
        self.saved = Checkpoint::load(&mut connection, NAME).await?;
        Ok(self.saved.clone())
    }

    async fn begin(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), SinkError> {
        self.suspects = None;
        let Start::Anew { from, .. } = start else { return Ok(()) };
        // The table still has every event: numbering those that the slot will not tell of is all that there is to
        // build.
        let checkpoint = Checkpoint { slot: slot.clone(), position: from };
        let mut tx = self.db.begin().await?;
        checkpoint.advance(&mut tx, NAME, self.saved.as_ref()).await?;
        let numbered = outbox::number_all(&mut tx).await?;
        tx.commit().await.map_err(fault)?;
        self.saved = Some(checkpoint);
        tracing::info!(numbered, "events that were written before the stream began have their positions");
        Ok(())
    }

    async fn apply(&mut self, batch: Batch) -> Result<Lsn, SinkError> {
        let to = Checkpoint { position: batch.end, ..self.here()? };
        let seqs =
            batch.changes.iter().filter(|change| change.op == Op::Insert).map(seq).collect::<Result<Vec<_>, _>>()?;
        if !batch.xids.is_empty() {
            // What is read after this sees what the log tells of.
            Snapshot::seeing(&self.db, &batch.xids).await?.rollback().await.map_err(fault)?;
        }
        self.number(&to, &seqs).await?;
        Ok(to.position)
    }

    async fn work(&mut self) -> Result<Worked, SinkError> {
        self.sweep().await?;
        Ok(Worked { durable: self.here()?.position, next: Next::Within(SWEEP_EVERY) })
    }

    async fn close(&mut self) -> Result<Lsn, SinkError> {
        Ok(self.here()?.position)
    }
}

fn seq(change: &Change) -> Result<i64, SinkError> {
    let text = change.text("seq").ok_or("an event without a number of its own")?;
    text.parse().map_err(|_| format!("{text:?} is no number of an event").into())
}

async fn log_end(at: &mut PgConnection) -> Result<Lsn, SinkError> {
    let text: String =
        sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(at).await.map_err(fault)?;
    Ok(text.parse()?)
}
