//! Inboxes on a real PostgreSQL, among people and content of the test's making.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acts;
mod bounds;
mod live_events;
mod reading;
mod routes;
mod sight;
mod world;
