//! Writes to all tables that are searched, and faults of everything between them and the index: drawn from a seed.

mod plan;
mod world;

pub use plan::{Fault, Plan, Size, Write};
pub use world::{Engine, World};
