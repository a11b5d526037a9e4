//! Engagement on a real PostgreSQL, among people and content of the test's making.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod comments;
mod gone;
mod lists;
mod marks;
mod races;
mod recounts;
mod routes;
mod views;
mod world;
