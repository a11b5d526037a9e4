//! How tables become an index, and stay one.
//!
//! A [`Pipeline`] is the [`cdc::Sink`] between the change stream and an [`Engine`](crate::Engine). A change only says *which*
//! documents to look at ([`Mapping::touched`]); they are then read whole ([`Mapping::load`]) and written with the version of the
//! change's commit. What slices tell of their tables is a [`Mapping`], one a kind of documents.
//!
//! ## Why it does not drift
//! - **Documents are read, not derived.** Nothing of a change enters a document but its key: not a long text that the log leaves
//!   out because another column was changed, not half of a join, not a column of before a migration.
//! - **Versions rise with what is read.** A document is read after the commit that touched it can be seen by everybody, and
//!   gets that commit's version. It may be newer than its version; what made it newer comes later, with a higher one. One
//!   task reads and writes, in sequence, so that what it writes never goes back either.
//! - **A position is saved after what it speaks of is durable**, so that after a death nothing is missing, and what comes again is read
//!   again: a stale replay finds today's rows. What is deleted is not found, and deleted once more.
//! - **A build takes part in the stream.** A new generation gets every change from its first moment, and between batches the next
//!   portion of documents, read at a moment that lies behind all that was applied, versioned with that. When the last portion is
//!   written it is exactly as far as the live one, and takes its place.
//! - **In doubt, build anew**: when the slot is another one, the index is not the one that the saved position speaks of, a mapping has
//!   changed, or a table was emptied or rewritten (neither of which the log tells row by row). Searches read the old
//!   generation meanwhile.
//! - **What cannot be indexed is not found.** A document that cannot be read, or that the engine refuses, becomes a dead letter, with its reason, and
//!   what the index held of it before is deleted.
//! - **And it is checked**: [`verify`] compares all tables with the index.
//!
//! ## Decisions
//! - No exported snapshot and no queue: the log is the queue. Everything that is to be read again goes through it, also a
//!   dead letter that is replayed ([`marks`]).
//! - One row of PostgreSQL ([`State`]) says where the index stands. Engines keep a few bytes beside it that say which index they are and how often it
//!   was committed, so that an emptied folder or a restored copy is noticed.

mod build;
mod dead;
mod error;
mod hydrate;
mod mapping;
pub mod marks;
mod metrics;
pub mod popularity;
mod requests;
mod sink;
mod snapshot;
mod state;
mod tables;
mod touched;
mod verify;

pub use dead::{DeadLetter, dead_letters, replay};
pub use error::PipelineError;
pub use mapping::{Mapping, Mappings};
pub use requests::{request, requested};
pub use sink::{CONSUMER, Pipeline};
pub use state::{Build, KindState, Made, State, load as state};
pub use verify::{Difference, Found, Report, catch_up, verify};
