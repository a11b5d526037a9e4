use std::borrow::Cow;
use std::time::Duration;

use kernel::{ErrorKind, Fail, StoreError};

use crate::Kind;
use crate::engine::EngineError;

/// Why the index does not follow the tables.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Another process writes the index now.
    #[error("another process has taken over the index of {0}")]
    Overtaken(String),
    #[error("there is no kind of documents called {0}")]
    UnknownKind(String),
    /// Nobody seems to bring the index up to date.
    #[error("the index did not come up to {wanted} within {} s; it stands at {at}", waited.as_secs())]
    Behind { wanted: cdc::Lsn, at: cdc::Lsn, waited: Duration },
    /// A generation takes long to build.
    #[error("{kind} is still being built after {} s: {documents} documents", waited.as_secs())]
    Building { kind: Kind, documents: u64, waited: Duration },
}

impl Fail for PipelineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Overtaken(_) => ErrorKind::Conflict,
            Self::UnknownKind(_) => ErrorKind::NotFound,
            Self::Behind { .. } | Self::Building { .. } => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Overtaken(_) => "conflict",
            Self::UnknownKind(_) => "not_found",
            Self::Behind { .. } | Self::Building { .. } => "search_unavailable",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.message(),
            Self::Engine(error) => error.message(),
            Self::Overtaken(_) | Self::Behind { .. } | Self::Building { .. } => {
                Cow::Borrowed("Search is not up to date.")
            }
            Self::UnknownKind(_) => Cow::Borrowed("There is no such kind of documents."),
        }
    }
}
