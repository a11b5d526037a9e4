//! Chat against real stores.

mod cassandra_faults;
mod log_property;
mod log_suite;
mod sequencer_suite;
mod service;
mod stores;
