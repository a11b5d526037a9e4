//! The feed: what its distribution costs, and how fast its pages are.

mod bare;
mod cold;
mod fan_out;
mod graph;
pub mod load;
mod plot;
pub mod policy;
mod slices;
mod stage;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
