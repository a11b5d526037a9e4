//! What `plaza` can be told to do: a file each.

mod check;
mod events;
mod migrate;
mod recount;
mod search;
mod seed;
mod up;

pub use check::check;
pub use events::events;
pub use migrate::migrate;
pub use recount::recount;
pub use search::search;
pub use seed::seed;
pub use up::up;
