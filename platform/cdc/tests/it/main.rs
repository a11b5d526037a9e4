//! The change stream on a real PostgreSQL.

mod changes;
mod events;
mod faults;
mod slots;
mod stage;
