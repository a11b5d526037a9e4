//! Timelines and the following feed on real stores, among people of the test's making.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod faults;
mod following;
mod model;
mod pulled;
mod ranked;
mod removals;
mod round_trips;
mod ruled;
mod surfaces;
mod world;
