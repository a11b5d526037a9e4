//! Posts on a real PostgreSQL, among people of the test's making.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audiences;
mod comments;
mod documents;
mod events;
mod finding;
mod kinds;
mod lists;
mod migrating;
mod posts;
mod uploads;
mod world;
