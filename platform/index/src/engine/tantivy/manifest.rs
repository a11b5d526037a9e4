//! What an index folder holds, in one small file that is replaced whole; and who may write there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::schema::FORMAT;
use crate::engine::{EngineError, Generation};

const MANIFEST: &str = "manifest.json";
const LOCK: &str = "lock";

/// Names a folder: `post-3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shelf {
    pub kind: String,
    pub generation: Generation,
}

impl Shelf {
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(format!("{}-{}", self.kind, self.generation))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub position: Option<String>,
    pub live: BTreeMap<String, Generation>,
    pub shelves: BTreeSet<Shelf>,
}

impl Manifest {
    pub const fn empty() -> Self {
        Self { format: FORMAT, position: None, live: BTreeMap::new(), shelves: BTreeSet::new() }
    }

    /// `None`: there is none, or it is of another format (what it names can be made again, so it is as good as none).
    pub fn load(root: &Path) -> Result<Option<Self>, EngineError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let bytes = match fs::read(root.join(MANIFEST)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(EngineError::broken(error)),
        };
        let damaged = |error: serde_json::Error| {
            let path = root.join(MANIFEST);
            EngineError::broken(format!("{} is damaged ({error}); delete the folder to build anew", path.display()))
        };
        if serde_json::from_slice::<Format>(&bytes).map_err(damaged)?.format != FORMAT {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// All of it or nothing, and durable when it returns.
    pub fn save(&self, root: &Path) -> Result<(), EngineError> {
        let write = || -> io::Result<()> {
            let fresh = root.join("manifest.new");
            let mut file = File::create(&fresh)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&fresh, root.join(MANIFEST))?;
            File::open(root)?.sync_all()
        };
        write().map_err(EngineError::broken)
    }

    /// Deletes the folders that are not named here: made or dropped by a process that died meanwhile.
    pub fn sweep(&self, root: &Path) -> Result<(), EngineError> {
        let known: BTreeSet<PathBuf> = self.shelves.iter().map(|shelf| shelf.folder(root)).collect();
        let sweep = || -> io::Result<()> {
            for entry in fs::read_dir(root)? {
                let entry = entry?;
                if entry.file_type()?.is_dir()
                    && is_shelf(&entry.file_name().to_string_lossy())
                    && !known.contains(&entry.path())
                {
                    fs::remove_dir_all(entry.path())?;
                }
            }
            Ok(())
        };
        sweep().map_err(EngineError::broken)
    }

    /// Tells one saved manifest from another.
    pub fn stamp(root: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        let meta = fs::metadata(root.join(MANIFEST)).ok()?;
        Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
    }
}

pub type Stamp = (u64, i64, i64);

fn is_shelf(name: &str) -> bool {
    name.split_once('-').is_some_and(|(kind, number)| {
        kind.bytes().all(|b| b.is_ascii_lowercase()) && number.parse::<Generation>().is_ok()
    })
}

/// Held as long as this process writes; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing it lets go")] File);

impl Lock {
    pub fn take(root: &Path) -> Result<Self, EngineError> {
        let path = root.join(LOCK);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(EngineError::broken)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let told = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                return Err(EngineError::Locked {
                    folder: root.display().to_string(),
                    holder: if told { holder.trim().to_owned() } else { "another process".to_owned() },
                });
            }
            Err(TryLockError::Error(error)) => return Err(EngineError::broken(error)),
        }
        let mut note = || -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {}", std::process::id())
        };
        note().map_err(EngineError::broken)?;
        Ok(Self(file))
    }
}
