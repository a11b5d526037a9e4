//! What slices ask of each other, answered. A file for each slice that answers.

mod chat;
mod content;
mod engagement;
mod feed;
mod feed_content;
mod media;
mod notifications;
mod people;
mod presence;
mod relations;
mod search;

pub use self::content::ContentEngagements;
pub use self::media::{Shown, Uploads};
pub use chat::{ChatPeople, GraphTalk};
pub use engagement::{EngagementContents, EngagementPeople};
pub use feed::Received;
pub use feed_content::FeedContent;
pub use notifications::{InboxContents, InboxPeople};
pub use people::People;
pub use presence::PresenceRelations;
pub use relations::Relations;
pub use search::{FoundContent, FoundHashtags, FoundMessages, FoundPeople, Popular, SearchDirectory};
