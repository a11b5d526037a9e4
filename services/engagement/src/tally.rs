//! Counts, for whoever shows content.

use std::collections::HashMap;

use kernel::{ContentId, UserId};
use postgres::Db;
use schemas::engagement::Engagement;

use crate::{Error, store};

/// Reads counts. Apart from [`Service`](crate::Service), because content needs it and is needed by that one.
#[derive(Debug, Clone)]
pub struct Tally(Db);

impl Tally {
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self(db)
    }

    /// Counts of each of `contents`, and what `viewer` did with it, in one round trip. Whoever asks has made sure that the viewer
    /// may see them.
    pub async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Error> {
        if contents.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found = store::of(&self.0, viewer, contents).await?;
        for content in contents {
            found.entry(*content).or_default();
        }
        Ok(found)
    }
}
