//! The data folder: what Plaza must not lose when it runs stores of its own.
//!
//! ```text
//! FORMAT      the number of the layout below
//! LOCK        held while a Plaza uses the folder; the kernel lets go of it when that process ends, however it ends
//! blobs/      uploaded files, unless they live in an object store
//! postgres/   the embedded PostgreSQL: cluster, private socket, password, log, and fetched programs
//! ```

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use crate::exit::{Exit, Stopped};

/// The layout that this version reads and writes.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "LOCK";

/// An opened data folder; nobody else has it until this is dropped.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The folder that is used when none is named.
///
/// Root's home is closed to the user that PostgreSQL has to run as, so that root's data goes to /var/lib.
pub fn default_path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some("/var/lib/plaza".into());
    }
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|folder| folder.join("plaza"))
}

impl DataDir {
    /// Creates the folder if need be, and takes it.
    pub fn open(path: &Path) -> Result<Self, Stopped> {
        let path = std::path::absolute(path).map_err(|error| unusable(path, &error))?;
        // The user that PostgreSQL runs as has to pass through when that is not us.
        let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
        fs::DirBuilder::new().recursive(true).mode(mode).create(&path).map_err(|error| unusable(&path, &error))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK_FILE))
            .map_err(|error| unusable(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&path)),
            Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
        }
        check_format(&path)?;
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }
}

fn check_format(path: &Path) -> Result<(), Stopped> {
    let file = path.join(FORMAT_FILE);
    let found = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_strange_folder(path)?;
            return write_format(path, &file).map_err(|error| unusable(path, &error));
        }
        Err(error) => return Err(unusable(path, &error)),
    };
    match found.trim().parse::<u32>() {
        Ok(FORMAT) => Ok(()),
        Ok(newer) if newer > FORMAT => Err(Stopped::new(
            Exit::DataFormat,
            format_args!(
                "The data folder {} was written by a newer Plaza (layout {newer}; this version knows {FORMAT}). Start \
                 that version, or name another folder with --data-dir. Nothing was changed.",
                path.display()
            ),
        )),
        _ => Err(Stopped::new(
            Exit::DataFormat,
            format_args!(
                "The data folder {} has a layout that this version cannot read: {} says “{}”, this version writes \
                 {FORMAT}. Nothing was changed.",
                path.display(),
                file.display(),
                found.trim().chars().take(40).collect::<String>()
            ),
        )),
    }
}

/// A folder that has other things in it is somebody's, not ours.
fn refuse_strange_folder(path: &Path) -> Result<(), Stopped> {
    let entries = fs::read_dir(path).map_err(|error| unusable(path, &error))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let ours = |name: &std::ffi::OsString| name == LOCK_FILE || name == "FORMAT.new" || name == "lost+found";
    match names.into_iter().find(|name| !ours(name)) {
        None => Ok(()),
        Some(name) => Err(Stopped::new(
            Exit::DataFolder,
            format_args!(
                "The folder {} is not empty and is no data folder of Plaza's (it holds {}, but no {FORMAT_FILE}). Name \
                 an empty or a new folder with --data-dir.",
                path.display(),
                name.display()
            ),
        )),
    }
}

fn write_format(path: &Path, file: &Path) -> io::Result<()> {
    let new = path.join("FORMAT.new");
    fs::write(&new, format!("{FORMAT}\n"))?;
    File::open(&new)?.sync_all()?;
    fs::rename(new, file)
}

fn in_use(path: &Path) -> Stopped {
    Stopped::new(
        Exit::InUse,
        format_args!(
            "Another Plaza uses the data folder {}. Stop it first, or name another folder with --data-dir. Several \
             processes can share stores, but not a folder: see “Stores” in plaza --help.",
            path.display()
        ),
    )
}

/// What a failed access to the folder means.
pub fn unusable(path: &Path, error: &io::Error) -> Stopped {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Stopped::new(
            Exit::Disk,
            format_args!(
                "The disk of the data folder {path} is full. Make room and start again; nothing that was acknowledged is lost."
            ),
        ),
        io::ErrorKind::ReadOnlyFilesystem => Stopped::new(
            Exit::DataFolder,
            format_args!(
                "The data folder {path} is on a read-only disk. Name a folder that can be written with --data-dir."
            ),
        ),
        io::ErrorKind::PermissionDenied => Stopped::new(
            Exit::DataFolder,
            format_args!(
                "The data folder {path} cannot be written by this user. Change its owner, or name another folder with --data-dir."
            ),
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Stopped::new(
            Exit::DataFolder,
            format_args!("The data folder {path} is not a folder. Name another with --data-dir."),
        ),
        _ => Stopped::new(Exit::DataFolder, format_args!("The data folder {path} cannot be used: {error}.")),
    }
}

/// Whether a folder could be created at `path`, which does not exist.
pub fn check_place(path: &Path) -> Result<(), Stopped> {
    let mut parent = path;
    while let Some(above) = parent.parent() {
        parent = above;
        if parent.exists() {
            break;
        }
    }
    access(parent, Access::WRITE_OK).map_err(|error| unusable(path, &error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_free_again_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/data");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(DataDir::open(&path).err().map(|stopped| stopped.exit), Some(Exit::InUse));
        drop(first);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn another_layout_and_a_strange_folder_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FORMAT_FILE), "2\n").unwrap();
        assert_eq!(DataDir::open(folder.path()).err().map(|stopped| stopped.exit), Some(Exit::DataFormat));
        fs::write(folder.path().join(FORMAT_FILE), "soup").unwrap();
        assert_eq!(DataDir::open(folder.path()).err().map(|stopped| stopped.exit), Some(Exit::DataFormat));

        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        let stopped = DataDir::open(folder.path()).err().unwrap();
        assert_eq!(stopped.exit, Exit::DataFolder);
        assert!(stopped.message.contains("thesis.tex"), "{stopped}");
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_said_to_be_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stopped = DataDir::open(file.path()).err().unwrap();
        assert_eq!(stopped.exit, Exit::DataFolder);
        assert!(stopped.message.contains("not a folder"), "{stopped}");
    }
}
