//! What slices ask of each other, answered. A file for each slice that answers.

mod chat;
mod feed;
mod people;
mod presence;
mod relations;
mod search;

pub use chat::ChatPeople;
pub use feed::{FeedContent, Unseen};
pub use people::People;
pub use presence::PresenceRelations;
pub use relations::Relations;
pub use search::{FoundContent, FoundHashtags, FoundMessages, FoundPeople, SearchDirectory};
