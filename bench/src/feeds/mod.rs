//! The feed: what its distribution costs, and how fast its pages are.

mod graph;
pub mod policy;
