//! What the ranked feed asks of content, beyond what all feeds ask.

use async_trait::async_trait;
use kernel::{ContentId, Problem, UserId};
use schemas::content::Place;

/// Content that may be recommended to anybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    pub author: UserId,
    pub hashtags: Vec<String>,
    /// Two letters.
    pub language: Option<String>,
    pub place: Option<Place>,
}

#[async_trait]
pub trait Opens: Send + Sync {
    /// The content, if it is there, public, and its author's account is not private: by what holds now.
    async fn open(&self, id: ContentId) -> Result<Option<Open>, Problem>;
}
