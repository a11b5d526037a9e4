//! Where messages come from.

pub mod wire;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Timestamp;

use crate::Lsn;

/// What a slot tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A transaction follows. Transactions are told one after the other, in the order of their commits.
    Begin { commit: Lsn, at: Timestamp, xid: u32 },
    /// A message of the log.
    Message(Bytes),
    /// Somebody waits until this transaction is told, whatever else is in it: a transactional logical message.
    Asked,
    /// The transaction is complete.
    Commit { end: Lsn },
    /// Every transaction committed before this was told.
    Reached(Lsn),
}

/// Why a source gives no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// An open stream of one slot.
///
/// MUST keep the server content (status updates) while nobody calls [`ChangeSource::next`], and stop reading then.
#[async_trait]
pub trait ChangeSource: Send {
    /// The next event. MUST be cancel-safe. After an error the source is of no use.
    async fn next(&mut self) -> Result<Event, SourceError>;

    /// The server need not keep what was committed before `position`. It is told soon, and not lower than before.
    fn confirm(&self, position: Lsn);

    /// Lets go of the slot.
    async fn close(self: Box<Self>);
}
