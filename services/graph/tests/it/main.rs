//! The graph on a real PostgreSQL, a fresh database for each test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod close_friends;
mod follows;
mod limits;
mod lists;
mod races;
mod routes;
mod stage;
