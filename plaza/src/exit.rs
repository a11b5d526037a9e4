//! Why Plaza ends, as one paragraph for people and one number for scripts.

use std::fmt::Display;
use std::process::ExitCode;

/// Exit codes, after BSD's `sysexits.h` where it has a fitting one. Stable: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something that no other code describes.
    Unexpected = 1,
    /// `plaza search verify` or `plaza recount` found differences.
    Differs = 2,
    /// The command line is wrong.
    Usage = 64,
    /// The data folder belongs to another version: of Plaza, or of PostgreSQL.
    DataFormat = 65,
    /// No PostgreSQL on this machine, and none could be fetched.
    NoPostgres = 66,
    /// A configured store does not answer, or the embedded PostgreSQL does not start.
    StoreUnavailable = 69,
    /// A migration failed.
    Migration = 70,
    /// The listen address is taken or not ours.
    Listen = 71,
    /// The data folder cannot be created or written: permissions, or a read-only disk.
    DataFolder = 73,
    /// The disk is full or failing.
    Disk = 74,
    /// Another Plaza uses the data folder, or the same database without Redis between the two.
    InUse = 75,
    /// The configuration is wrong.
    Config = 78,
}

/// The table in `plaza --help`.
pub const TABLE: &str = "\
Exit codes:
   0  stopped as asked, or done
   1  something unexpected
   2  `plaza search verify` or `plaza recount` found differences
  64  wrong command line
  65  the data folder was written by a newer Plaza, or needs another PostgreSQL version
  66  no PostgreSQL 15 or newer on this machine, and none could be fetched
  69  a configured store does not answer, or the embedded PostgreSQL does not start
  70  a migration failed
  71  the listen address is taken, or is no address of this machine
  73  the data folder cannot be created or written (permissions, read-only disk)
  74  the disk is full or failing
  75  another Plaza uses the data folder, or the same database without a Redis between the two
  78  wrong configuration";

/// The reason to end, already worded for whoever started Plaza.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Stopped {
    pub exit: Exit,
    pub message: String,
}

impl Stopped {
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string() }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
