//! Why there is no server.

use std::io;
use std::path::PathBuf;

use kernel::StoreError;

/// Worded for whoever started Plaza: what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "{path} holds no PostgreSQL {major_min} or newer that can be run{why}. It has to be the folder of the programs \
         `postgres` and `initdb`.",
        path = .path.display(), major_min = super::MAJOR_MIN
    )]
    BadPrograms { path: PathBuf, why: String },
    #[error(
        "There is no PostgreSQL {major_min} or newer on this machine, and fetching one failed: {why}. Install one (for \
         example `apt-get install postgresql`), name the folder of its programs in PLAZA_POSTGRES_BIN, or use a server: \
         PLAZA_POSTGRES_URL=postgres://…",
        major_min = super::MAJOR_MIN
    )]
    NoPrograms { why: String },
    #[error(
        "The data in {cluster} belongs to PostgreSQL {needed}, which is not on this machine (found: {found}). Install \
         PostgreSQL {needed}, or name the folder of its programs in PLAZA_POSTGRES_BIN. To change to another version, \
         use pg_upgrade. Nothing was changed.",
        cluster = .cluster.display()
    )]
    OtherMajor { cluster: PathBuf, needed: u32, found: String },
    #[error(
        "There is no user {0} on this machine to run PostgreSQL as. Name one in PLAZA_POSTGRES_USER (a name, or uid:gid)."
    )]
    UnknownUser(String),
    #[error(
        "Plaza runs as root, and PostgreSQL has to run as another user: {user}. But {user} cannot reach {path}. Name a \
         folder that is not below a private one with --data-dir (/var/lib/plaza is the default for root), or another \
         user in PLAZA_POSTGRES_USER.",
        path = .path.display()
    )]
    Unreachable { path: PathBuf, user: String },
    #[error("{what} failed in {path}: {source}", path = .path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("The disk of {path} is full. Make room and start again; nothing that was acknowledged is lost.", path = .path.display())]
    DiskFull { path: PathBuf },
    #[error("A PostgreSQL that an earlier Plaza left behind (process {pid}) does not stop. Stop it by hand.")]
    Stubborn { pid: i32 },
    #[error("{step} failed. Its last words: {words} (all of them are in {log})", log = .log.display())]
    Failed { step: &'static str, words: String, log: PathBuf },
    #[error("The embedded PostgreSQL started, but cannot be used: {0}")]
    Store(#[from] StoreError),
}

impl EmbeddedError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { what, path, source },
        }
    }
}
