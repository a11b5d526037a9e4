//! Chat against real stores.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cassandra_faults;
mod indexing;
mod log_property;
mod log_suite;
mod sequencer_suite;
mod service;
mod stores;
