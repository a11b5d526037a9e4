//! What concerns OpenSearch only; what it has in common with other engines is in the conformance suite.

mod indexes;
mod injector;
pub mod server;
mod triage;
