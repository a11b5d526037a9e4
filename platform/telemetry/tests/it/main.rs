//! Telemetry as a whole: what a collector gets, and what the log says beside it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod traces;
