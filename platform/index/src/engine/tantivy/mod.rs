//! The engine inside the process: tantivy, in a folder of its own.
//!
//! ## Decisions
//! - **One index (and folder) a kind and generation**, not one for all: a generation is dropped by deleting a folder, a new one may
//!   lie differently than the old, how rare a word is does not depend on other kinds or on a generation that is being
//!   built, and a search opens only what it asks for.
//! - **The manifest decides.** It names the generations, the live ones and the position, and is replaced whole, by rename, after
//!   the commits of all indices. A crash between leaves the old position: what follows it is written again, which the
//!   versions make harmless. Swapping is one rename.
//! - **Deletions are small documents** (id, version, when) that no search meets: they refuse what is stale like any other
//!   version, survive a restart, and are forgotten after [`DELETION_KEPT`](super::DELETION_KEPT).
//! - **One writer.** A lock on the folder, held by the system for the life of the process, keeps a second one out and names the first.
//!   Other processes read ([`Tantivy::read_only`]) and see commits within about a second.
//! - A writer that failed (a full disk) stays failed until the process starts again: nothing uncommitted may be taken
//!   for written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::Clock;
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use tantivy::{ReloadPolicy, TantivyError};

use self::manifest::{Lock, Manifest, Shelf, Stamp};
use self::plan::is_missing;
use self::reading::Reading;
use self::writing::Writing;
use super::{EngineError, Generation};
use crate::document::Kind;
use crate::query::{Page, Query};

mod changing;
mod collector;
mod manifest;
mod plan;
mod port;
mod reading;
mod schema;
mod search;
mod writing;

/// Least memory a writer works with, in MiB.
const WRITER_MEMORY_MIN_MB: usize = 15;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the index is. Nothing else may lie there.
    pub folder: PathBuf,
    /// How much each generation's writer gathers before it writes a segment, in MiB; 15 at least.
    pub writer_memory_mb: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { folder: PathBuf::from("data/search"), writer_memory_mb: 64 }
    }
}

pub struct Tantivy(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Clock,
    opened: RwLock<Opened>,
    /// `None`: this process only reads.
    writer: Option<Writer>,
}

/// What searches see, as of one manifest.
#[derive(Clone)]
struct Opened {
    stamp: Option<Stamp>,
    manifest: Arc<Manifest>,
    shelves: Arc<BTreeMap<Shelf, Arc<Reading>>>,
}

struct Writer {
    shelves: Mutex<BTreeMap<Shelf, Writing>>,
    failed: AtomicBool,
    #[expect(dead_code, reason = "held")]
    lock: Lock,
}

fn broken(error: TantivyError) -> EngineError {
    EngineError::Broken(Box::new(error))
}

impl Tantivy {
    /// Opens, or begins, the index for writing and reading. Blocks for as long as opening files takes.
    ///
    /// # Errors
    /// [`EngineError::Locked`]: another process writes there.
    pub fn open(settings: Settings, clock: Clock) -> Result<Self, EngineError> {
        let root = &settings.folder;
        std::fs::create_dir_all(root).map_err(EngineError::broken)?;
        let lock = Lock::take(root)?;
        let manifest = Manifest::load(root)?.unwrap_or_else(Manifest::empty);
        manifest.sweep(root)?;
        let mut shelves = BTreeMap::new();
        let mut writing = BTreeMap::new();
        for shelf in &manifest.shelves {
            let Some(reading) = Reading::open(&shelf.folder(root), ReloadPolicy::Manual)? else {
                return Err(EngineError::broken(format!(
                    "{} is missing; delete {} to build anew",
                    shelf.folder(root).display(),
                    root.display()
                )));
            };
            let reading = Arc::new(reading);
            writing.insert(shelf.clone(), Writing::open(Arc::clone(&reading), settings.writer_memory_bytes())?);
            shelves.insert(shelf.clone(), reading);
        }
        manifest.save(root)?;
        let opened = Opened { stamp: Manifest::stamp(root), manifest: Arc::new(manifest), shelves: Arc::new(shelves) };
        let writer = Writer { shelves: Mutex::new(writing), failed: AtomicBool::new(false), lock };
        Ok(Self(Arc::new(Inner { settings, clock, opened: RwLock::new(opened), writer: Some(writer) })))
    }

    /// Opens the index for reading, beside a process that writes it, or none, or before there is one.
    pub fn read_only(settings: Settings, clock: Clock) -> Result<Self, EngineError> {
        let opened = Opened { stamp: None, manifest: Arc::new(Manifest::empty()), shelves: Arc::new(BTreeMap::new()) };
        let inner = Inner { settings, clock, opened: RwLock::new(opened), writer: None };
        inner.opened()?;
        Ok(Self(Arc::new(inner)))
    }

    /// Runs what waits for files on a thread that may wait.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(EngineError::broken)?
    }
}

impl Settings {
    const fn writer_memory_bytes(&self) -> usize {
        let mb =
            if self.writer_memory_mb < WRITER_MEMORY_MIN_MB { WRITER_MEMORY_MIN_MB } else { self.writer_memory_mb };
        mb * 1024 * 1024
    }
}

fn shelf(kind: Kind, generation: Generation) -> Shelf {
    Shelf { kind: kind.name().to_owned(), generation }
}

impl Inner {
    fn writer(&self) -> Result<&Writer, EngineError> {
        self.writer.as_ref().ok_or(EngineError::ReadOnly)
    }

    /// What is there now. The writer knows; others look whether the manifest was replaced.
    fn opened(&self) -> Result<Opened, EngineError> {
        let opened = self.opened.read().clone();
        if self.writer.is_some() {
            return Ok(opened);
        }
        let root = &self.settings.folder;
        let stamp = Manifest::stamp(root);
        if stamp == opened.stamp {
            return Ok(opened);
        }
        let manifest = Manifest::load(root)?.unwrap_or_else(Manifest::empty);
        let mut shelves = BTreeMap::new();
        for shelf in &manifest.shelves {
            // One that is dropped meanwhile is left out: the next look finds the next manifest.
            let reading = match opened.shelves.get(shelf) {
                // The manifest is written after the commits that it speaks of.
                Some(reading) => reading.reload().ok().map(|()| Arc::clone(reading)),
                None => Reading::open(&shelf.folder(root), ReloadPolicy::OnCommitWithDelay)?.map(Arc::new),
            };
            shelves.extend(reading.map(|reading| (shelf.clone(), reading)));
        }
        let fresh = Opened { stamp, manifest: Arc::new(manifest), shelves: Arc::new(shelves) };
        self.opened.write().clone_from(&fresh);
        Ok(fresh)
    }

    /// Saves a changed manifest, then shows it to searches. Only under the lock on the writer's shelves.
    fn publish(&self, manifest: Manifest, shelves: Arc<BTreeMap<Shelf, Arc<Reading>>>) -> Result<(), EngineError> {
        manifest.save(&self.settings.folder)?;
        *self.opened.write() = Opened { stamp: None, manifest: Arc::new(manifest), shelves };
        Ok(())
    }

    fn search(&self, query: &Query) -> Result<Page, EngineError> {
        let opened = self.opened()?;
        let mut live = Vec::with_capacity(query.kinds.len());
        for kind in &query.kinds {
            let Some(generation) = opened.manifest.live.get(kind.name()) else { continue };
            if live.iter().any(|(known, _)| known == kind) {
                continue;
            }
            match opened.shelves.get(&shelf(*kind, *generation)) {
                Some(reading) => live.push((*kind, Arc::clone(reading))),
                None => return Err(EngineError::Unavailable("a generation was replaced meanwhile".into())),
            }
        }
        search::search(query, &live)
    }
}

impl Writer {
    fn check(&self) -> Result<(), EngineError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(EngineError::broken("writing failed before; see the log, then start this process again"));
        }
        Ok(())
    }

    fn fail(&self, error: EngineError) -> EngineError {
        tracing::error!(%error, "the index cannot be written");
        self.failed.store(true, Ordering::Release);
        error
    }
}
