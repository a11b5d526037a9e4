//! Change data capture: every committed change of PostgreSQL's tables, in the order of commits, to whoever must follow.
//!
//! [`run`] reads one replication slot and gives what it tells to one [`Sink`], batch by batch, until it is stopped. A
//! sink gets every change at least once, and says itself what is durable; the server keeps its log for the rest.
//!
//! [`events`] is one such sink: it gives outbox events their order. The search index is another.
//!
//! ## Decisions
//! - **One slot for each consumer.** PostgreSQL so isolates them: one that is slow or dead keeps its own log, and
//!   nobody waits for it. What a slot may keep is bounded by [`Settings::wal_kept_mb_max`]; past that it is dropped,
//!   and its consumer is told to build anew ([`Start::Anew`]), once an hour at most.
//! - **A position is bound to its slot** ([`SlotIdentity`]). One that another slot, server or timeline gave is void, as
//!   is one that the slot was moved past.
//! - **The slot's name carries the database's oid**: slots are the whole server's, and two databases with Plaza on
//!   one server must not meet.
//! - **The process that holds the slot works.** There is no other election: the server gives a slot to one connection.
//! - **`pgoutput` version 1, text format.** A transaction is told when it is committed, so there is nothing to take
//!   back; values read like those of any query. Its decoder is ours ([`pgoutput`]); the connection is
//!   `pgwire-replication`'s, behind [`source::ChangeSource`].
//! - **No exported snapshots.** Who builds anew reads the tables at leisure while the stream goes on ([`Snapshot`]).

mod address;
mod assemble;
mod change;
mod checkpoint;
mod drive;
mod error;
pub mod events;
mod guard;
mod lsn;
mod metrics;
pub mod pgoutput;
mod read;
mod run;
mod settings;
mod sink;
pub mod slot;
mod snapshot;
pub mod source;

pub use change::{Batch, Change, Column, Op, Relation, ReplicaIdentity, Row, Value};
pub use checkpoint::{AdvanceError, Checkpoint, Overtaken, SlotIdentity};
pub use error::Error;
pub use lsn::{Lsn, LsnError};
pub use run::{Parts, run};
pub use settings::{Settings, Spec};
pub use sink::{Next, Sink, SinkError, Start, Why, Worked};
pub use snapshot::Snapshot;
