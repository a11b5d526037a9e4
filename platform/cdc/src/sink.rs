//! Whoever takes the changes.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Batch, Checkpoint, Lsn, SlotIdentity};

/// Why a sink did not do what it was asked to.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Right behind what [`Sink::saved`] said.
    Resumed { from: Lsn },
    /// Nothing that was saved can be gone on from. Changes committed before `from` will not be told; a read that begins
    /// now sees all of them. So: build anew, from the tables. Comes again at the next start if no checkpoint of
    /// this slot was saved meanwhile.
    Anew { from: Lsn, why: Why },
}

impl Start {
    #[must_use]
    pub const fn from(&self) -> Lsn {
        match self {
            Self::Resumed { from } | Self::Anew { from, .. } => *from,
        }
    }
}

/// Why a stream cannot go on where it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing was saved yet.
    First,
    /// What was saved is of another slot: another server, another timeline, or a slot that was made anew since.
    AnotherSlot,
    /// The slot was moved past what was saved: changes in between were never told.
    Gap,
}

/// What a sink has still to do, and what it has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worked {
    /// As [`Sink::apply`] returns it.
    pub durable: Lsn,
    pub next: Next,
}

/// When [`Sink::work`] is called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After the next batch, if one is waiting, else at once.
    AtOnce,
    /// After the next batch, or after this time.
    Within(Duration),
    /// After the next batch.
    AfterBatch,
}

/// Takes what a slot tells, one call at a time: its methods are never called concurrently, and none is cancelled except
/// by the end of the process (or of the task that [`crate::run`] runs in).
///
/// One [`crate::run`] drives one sink from one slot. Only the process that holds the slot calls its sink; another that
/// runs the same waits, and takes over when the first lets go or dies. One that lost its connection may however still
/// be inside a call while its successor begins: a sink MUST make that harmless, with
/// [`Checkpoint::advance`] in the transaction of its writes, or with versions.
#[async_trait]
pub trait Sink: Send {
    /// What is durable, and was told by which slot. Asked each time the stream is opened. MUST be read from where it
    /// is kept, not remembered: another process may have gone on meanwhile.
    async fn saved(&mut self) -> Result<Option<Checkpoint>, SinkError>;

    /// The stream is open and begins at `start`. Comes before the first batch, and again after each reconnection:
    /// then what is not durable must be forgotten, for it comes again.
    async fn begin(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), SinkError>;

    /// Takes a batch. Returns up to where everything is durable, including the checkpoint that says so, at most
    /// `batch.end`. A sink may collect batches and say the same position several times; the server keeps its log until
    /// the position moves.
    ///
    /// MUST be idempotent: after a death, batches that were not durable come again, cut differently.
    ///
    /// It may take long: the server is answered meanwhile, and no more than three batches wait in memory.
    async fn apply(&mut self, batch: Batch) -> Result<Lsn, SinkError>;

    /// A bounded step of whatever else there is to do: building, committing, sweeping. Called after every
    /// [`Sink::begin`] and [`Sink::apply`], and as [`Worked::next`] says. Batches and steps alternate, so neither
    /// starves.
    async fn work(&mut self) -> Result<Worked, SinkError>;

    /// The stream stops in good order: makes durable what is in hand, if it wants to. Returns as [`Sink::apply`].
    async fn close(&mut self) -> Result<Lsn, SinkError>;
}
