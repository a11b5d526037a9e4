//! The change stream on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod changes;
mod events;
mod faults;
mod slots;
mod stage;
