//! Presence on its real stores.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod service;
mod store;
mod world;
