//! What slices ask of each other, answered. A file for each slice that answers.

mod chat;
mod content;
mod engagement;
mod feed;
mod notifications;
mod people;
mod presence;
mod relations;
mod search;

pub use self::content::{ContentEngagements, NoMedia};
pub use chat::ChatPeople;
pub use engagement::{EngagementContents, EngagementPeople};
pub use feed::{FeedContent, Received};
pub use notifications::{InboxContents, InboxPeople};
pub use people::People;
pub use presence::PresenceRelations;
pub use relations::Relations;
pub use search::{FoundContent, FoundHashtags, FoundMessages, FoundPeople, SearchDirectory};
