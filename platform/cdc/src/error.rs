//! How a stream fails.

use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, StoreError};

use crate::pgoutput::DecodeError;
use crate::{Lsn, SinkError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The replication connection did not open, or broke.
    #[error("the replication connection of {slot} failed: {why}")]
    Connection { slot: String, why: String },
    /// Another process reads this slot.
    #[error("another process reads the slot {slot}")]
    Taken { slot: String },
    #[error("a message of the log is not understood: {0}")]
    Decode(#[from] DecodeError),
    #[error("the sink of {slot} failed: {why}")]
    Sink { slot: String, why: SinkError },
    /// The sink said that more is durable than it was given.
    #[error("the sink of {slot} says that {said} is durable, and was told up to {told} only")]
    Ahead { slot: String, said: Lsn, told: Lsn },
    /// The slot is gone, invalid, or keeps more log than it may.
    #[error("the slot {slot} is lost: {why}")]
    Lost { slot: String, why: Cow<'static, str> },
    /// The slot was lost twice within [`crate::Settings::lost_again_minutes`]: somebody has to look why.
    #[error("the slot {slot} was lost again, {after:?} after the time before: not built anew a second time")]
    LostAgain { slot: String, after: Duration },
    /// PostgreSQL is not set up for this.
    #[error("{0}")]
    Setup(String),
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(StoreError::Unavailable(_) | StoreError::Unknown(_))
            | Self::Connection { .. }
            | Self::Taken { .. }
            | Self::Lost { .. }
            | Self::LostAgain { .. }
            | Self::Setup(_) => ErrorKind::Unavailable,
            Self::Store(_) | Self::Decode(_) | Self::Sink { .. } | Self::Ahead { .. } => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Unavailable => "store_unavailable",
            _ => "internal",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        "The change stream does not run.".into()
    }
}
