//! Cassandra: the session, its errors, and the tables.
//!
//! ## Decisions
//! - Everything is read and written at `LOCAL_QUORUM`, conditions at `LOCAL_SERIAL`: what one node acknowledged, every
//!   node reads.
//! - A driver error becomes a [`kernel::StoreError`] in [`fault`] and nowhere else. The driver repeats a write on its
//!   own only after an answer that says that nothing was written; it is never told that a statement is idempotent,
//!   because the error of a second attempt would hide the unknown outcome of the first. Callers whose writes can be
//!   repeated (same row, same timestamp) repeat them themselves.
//! - Small writes that come at once share a request ([`Db::write_small`]), as transactions share a write of PostgreSQL's log.
//! - Migrations are plain files in `migrations/cassandra`, embedded at compile time, applied in the order of their
//!   numbers by one process at a time ([`Db::migrate`]). Cassandra has no transactions for tables, so each statement must
//!   be one that can be repeated (`IF NOT EXISTS`): a process that dies in the middle of a file is followed by another
//!   that runs the file again.

mod db;
mod fault;
mod gather;
mod migrations;
#[cfg(feature = "testing")]
pub mod testing;

pub use db::{Db, REQUEST_TIMEOUT, Settings};
pub use fault::StoreResult;
pub use gather::{SMALL_BYTES_MAX, Write};
pub use migrations::{MigrateFault, Migration, newest as newest_migration};
