//! PostgreSQL: the pool and its errors, migrations, the outbox, and a server of our own when none is configured.
//!
//! ## Decisions
//! - A driver error becomes a [`StoreError`] in [`fault`] and nowhere else. The one question that it must answer
//!   right is whether a write certainly did not happen.
//! - Migrations are plain files in `migrations/postgres`, embedded at compile time and applied in the order of their
//!   numbers under a lock, so that several nodes may start at once.
//! - The outbox keeps the order of one key and lets different keys overtake each other: one slow consumer call delays
//!   its own key only.
//! - With nothing configured Plaza runs a real PostgreSQL ([`embedded`]) rather than imitating one: there is one SQL.

mod db;
pub mod embedded;
mod fault;
mod migrations;
pub mod outbox;
mod secrets;
mod sole;
#[cfg(feature = "testing")]
pub mod testing;

pub use db::{Db, Settings};
pub use fault::{StoreResult, fault};
pub use migrations::{MigrateFault, newest as newest_migration};
pub use sole::Sole;
