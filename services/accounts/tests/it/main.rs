//! Accounts on a real PostgreSQL, a fresh database for each test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod limits;
mod log_in;
mod passwords;
mod popularity;
mod profile;
mod routes;
mod sessions;
mod stage;
mod tokens;
