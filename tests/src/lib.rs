//! Whole-system tests: the real `plaza` binary, real stores, real sockets, and people who use them.
//!
//! - [`deployment`] is a Plaza to talk to: on embedded stores, or two nodes on PostgreSQL, Cassandra and Redis.
//! - [`people`] are those who talk: a person with a session, a device with a socket and a record of what it saw.
//! - [`simulation`] lets many of them follow a seeded plan, and checks what must hold at the end.
//! - [`chaos`] writes behind Plaza's back and breaks what it stands on, and asks whether the search index still agrees.
//! - [`servers`] and [`process`] start what all of this stands on, and stop, pause or kill it by its process id.
//!
//! `./test` builds everything and starts PostgreSQL and Cassandra. By hand: `cargo build -p plaza`, then
//! `cargo test -p system-tests -- embedded` needs nothing else.
//!
//! ## Decisions
//! - A test is written once and runs on both kinds of stores: [`on_both_stores`]. Tests of one kind share a deployment and
//!   keep out of each other's way by being different people; tests that break something start their own.
//! - Every answer and frame that a test sees is held against `openapi/` and `asyncapi/` ([`contract`]).
//! - Nothing sleeps and hopes: [`wait::until`] looks again until a condition holds or its deadline has passed.

pub mod chaos;
pub mod contract;
pub mod deployment;
pub mod people;
pub mod process;
pub mod servers;
pub mod simulation;
pub mod wait;

pub use deployment::{Deployment, Stores};
pub use people::{Device, Person};
