//! Engines and the pipeline, on real servers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod engine_suite;
mod opensearch;
mod pipeline;
mod tantivy;
