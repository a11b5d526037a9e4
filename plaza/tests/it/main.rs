//! The binary from outside: how it starts, what it refuses and with which exit code, and what survives its death.
//!
//! These tests run PostgreSQL from this machine, as the embedded server; those about a configured server need
//! `./test`, or `PLAZA_TEST_POSTGRES_URL`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod death;
mod events;
mod mock;
mod process;
mod recount;
mod refusals;
mod seed;
mod serving;
mod uploads;
