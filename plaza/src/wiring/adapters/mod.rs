//! What slices ask of each other, answered. A file for each slice that answers.

mod people;
mod presence;
mod relations;

pub use people::People;
pub use presence::PresenceRelations;
pub use relations::Relations;
