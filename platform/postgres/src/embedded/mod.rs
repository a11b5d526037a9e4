//! A PostgreSQL server of our own: found on the machine or fetched once, run as our child.
//!
//! ## Decisions
//! - It is a real server with durability on: what was acknowledged survives the kill of Plaza, of PostgreSQL, and of
//!   the machine's power.
//! - It listens on a Unix socket in a private folder, or on a free loopback port where that path would be too long; by
//!   password either way.
//! - It must not outlive us. A tiny guard process sees the end of Plaza, even by `kill -9`, and stops the server; and
//!   whatever is found running at the next start is stopped first.
//! - PostgreSQL refuses to run as root. As root we give the cluster to an unprivileged user and run that child as it.
//! - The caller holds a lock on the folder: nobody else may start a server in it meanwhile.

mod account;
mod cluster;
mod error;
mod fetch;
mod leftover;
mod programs;
mod progress;
mod server;
mod survey;

use std::path::PathBuf;

pub use account::Account;
pub use error::EmbeddedError;
pub use fetch::{Archive, DOWNLOAD_URL_DEFAULT};
pub use programs::{MAJOR_MIN, Programs};
pub use progress::Progress;
pub use server::Server;
pub use survey::{Survey, running, survey};

/// What can be told about the server that is to be run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folder of PostgreSQL's programs, in place of those that are found.
    pub bin: Option<PathBuf>,
    /// Whom to run as when we are root: a name of /etc/passwd, or `uid:gid`. `nobody` unless told.
    pub user: Option<String>,
    /// A mirror of Maven Central to fetch from.
    pub download_url: Option<String>,
}
