//! The port: what every search engine promises.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{ErrorKind, Fail};

use crate::document::{self, Document, Kind, Unfit};
use crate::query::{Page, Query, QueryError};

pub mod opensearch;
pub mod tantivy;

/// Highest version, 2^63 − 2: what the engines can tell apart.
pub const VERSION_MAX: u64 = i64::MAX as u64 - 1;
/// Most items of one [`Engine::write`].
pub const BATCH_ITEMS_MAX: usize = 10_000;
/// Most documents of one [`Engine::scan`].
pub const SCAN_MAX: usize = 10_000;
/// Longest position, in bytes.
pub const POSITION_BYTES_MAX: usize = 4096;
/// How long a deletion is remembered at least: no write older than that may come back.
pub const DELETION_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A generation of a kind: 1, 2, … Readers see the live one, others are being built or about to be dropped.
pub type Generation = u32;

/// Holds documents and finds them.
///
/// ## What holds for every engine
/// - **Versions.** A document takes a write whose version is the one it has, or higher; a lower one is *stale* and changes
///   nothing, which is no failure. A deletion is a write, and remembered for [`DELETION_KEPT`]: whatever is older stays
///   out. Generations know nothing of each other's versions.
/// - **Order.** Items of a batch are applied in the order given, and batches in the order of their calls. There is one
///   writer at a time.
/// - **Repeats are harmless.** Any batch may be written again, also in part, also after a crash.
/// - **Durability.** What was written may be lost, or found by searches, until [`Engine::commit`] has returned; after that
///   it is neither lost by `kill -9` nor missed by searches that begin then.
/// - **No gap.** A search reads one live generation of each kind as it was at one moment, also while another is swapped in or
///   the old one is dropped.
/// - Whatever fails as a whole is an [`EngineError`], and may be repeated unchanged when it `is_temporary`. What is
///   wrong with single items is in [`Written::refused`], and does not touch the others.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Whether it answers. Quick, changes nothing.
    async fn probe(&self) -> Result<(), EngineError>;

    /// Makes an empty generation, not live. Nothing happens when it exists.
    async fn create(&self, kind: Kind, generation: Generation) -> Result<(), EngineError>;

    /// Writes up to [`BATCH_ITEMS_MAX`] items, each into its generation. Engines with limits of their own split the batch and back
    /// off by themselves, within reason.
    ///
    /// # Errors
    /// [`EngineError::NoGeneration`] before anything is written; anything else leaves it open what was written.
    async fn write(&self, batch: Vec<Item>) -> Result<Written, EngineError>;

    /// Makes everything written so far durable and visible, then, and only then, `position` (up to
    /// [`POSITION_BYTES_MAX`] bytes, a text of the caller's).
    async fn commit(&self, position: &str) -> Result<(), EngineError>;

    /// The last position that was committed. `None`: nothing was, or this engine keeps no positions and its caller must
    /// (see [`Engine::keeps_position`]).
    async fn position(&self) -> Result<Option<String>, EngineError>;

    /// Whether the engine keeps the position together with the data.
    fn keeps_position(&self) -> bool;

    /// All generations of a kind, ascending.
    async fn generations(&self, kind: Kind) -> Result<Vec<Generation>, EngineError>;

    /// The generation that searches read.
    async fn live(&self, kind: Kind) -> Result<Option<Generation>, EngineError>;

    /// Makes a generation the live one, at once and durably, with what was committed to it. The one before stays until it is dropped.
    async fn swap(&self, kind: Kind, generation: Generation) -> Result<(), EngineError>;

    /// Deletes a generation with all it holds. Nothing happens when it does not exist.
    ///
    /// # Errors
    /// [`EngineError::Live`]: the live one is not dropped.
    async fn drop_generation(&self, kind: Kind, generation: Generation) -> Result<(), EngineError>;

    /// See [`crate::query`] for what is found and in which order.
    async fn search(&self, query: &Query) -> Result<Page, EngineError>;

    /// What a generation holds after the id `after`, in the order of ids' bytes: up to `limit` (1 to [`SCAN_MAX`]). As of the last commit;
    /// deletions are left out.
    async fn scan(
        &self,
        kind: Kind,
        generation: Generation,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Held>, EngineError>;
}

/// One write into one generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub kind: Kind,
    pub generation: Generation,
    /// 0 to [`VERSION_MAX`]; the commit LSN of the change.
    pub version: u64,
    pub write: Write,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The whole document; shared, because two generations may get it.
    Put(Arc<Document>),
    /// The id of what is gone.
    Delete(String),
}

impl Item {
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.write {
            Write::Put(document) => &document.id,
            Write::Delete(id) => id,
        }
    }

    /// Whether an engine can take it. Engines call this for every item, and refuse what does not pass.
    pub fn check(&self) -> Result<(), Reason> {
        if self.version > VERSION_MAX {
            return Err(Reason::Version);
        }
        match &self.write {
            Write::Put(document) => Ok(document.check()?),
            Write::Delete(id) => Ok(document::check_id(id)?),
        }
    }
}

/// What became of a batch. Items that are neither stale nor refused were applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// How many were older than what is held.
    pub stale: usize,
    pub refused: Vec<Refused>,
}

/// An item that will be refused again however often it is tried: for the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub kind: Kind,
    pub generation: Generation,
    pub id: String,
    pub version: u64,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("the version is higher than {VERSION_MAX}")]
    Version,
    /// What the engine itself said.
    #[error("{0}")]
    Engine(String),
}

/// A document as it is held, for comparison with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub id: String,
    pub version: u64,
    /// [`Document::fingerprint`] of what was written.
    pub fingerprint: u64,
}

/// How an engine fails as a whole.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(
        "more than {BATCH_ITEMS_MAX} items in a batch, a scan that is not 1 to {SCAN_MAX}, or a position over {POSITION_BYTES_MAX} bytes"
    )]
    Limit,
    #[error("there is no generation {generation} of {kind}")]
    NoGeneration { kind: Kind, generation: Generation },
    #[error("generation {generation} of {kind} is live")]
    Live { kind: Kind, generation: Generation },
    /// Another process writes this index.
    #[error("the index at {folder} is held by {holder}; stop it, or give this process another folder")]
    Locked { folder: String, holder: String },
    #[error("this process only reads the index")]
    ReadOnly,
    /// Too much at once; the same call may succeed after a while.
    #[error("the engine is busy: {0}")]
    Busy(Box<dyn Error + Send + Sync>),
    #[error("the engine does not answer: {0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// What it holds or answers cannot be used: damaged files, a full disk, a bug. For an operator to see.
    #[error("the engine is broken: {0}")]
    Broken(Box<dyn Error + Send + Sync>),
}

impl EngineError {
    pub fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken(error.into())
    }

    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unavailable(_))
    }
}

impl Fail for EngineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(_) | Self::Limit => ErrorKind::Invalid,
            Self::Busy(_) | Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::NoGeneration { .. } | Self::Live { .. } => ErrorKind::Conflict,
            Self::Locked { .. } | Self::ReadOnly | Self::Broken(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Query(QueryError::After) => "invalid_cursor",
            Self::Query(_) => "invalid_search",
            Self::Limit => "search_limit",
            Self::Busy(_) | Self::Unavailable(_) => "search_unavailable",
            Self::NoGeneration { .. } | Self::Live { .. } => "conflict",
            Self::Locked { .. } | Self::ReadOnly | Self::Broken(_) => "internal",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Query(error) => Cow::Owned(format!("This search is not possible: {error}.")),
            Self::Limit => Cow::Borrowed("This is more than can be taken at once."),
            Self::Busy(_) | Self::Unavailable(_) => Cow::Borrowed("Search does not answer. Try again."),
            Self::NoGeneration { .. } | Self::Live { .. } => {
                Cow::Borrowed("The request is at odds with the state of the index.")
            }
            Self::Locked { .. } | Self::ReadOnly | Self::Broken(_) => {
                Cow::Borrowed("Something went wrong on our side.")
            }
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.is_temporary().then_some(Duration::from_secs(1))
    }
}
