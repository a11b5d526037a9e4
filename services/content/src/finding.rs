//! Hashtags and content, as those need them who search and count.

use std::collections::{BTreeSet, HashMap};

use kernel::{ContentId, UserId};
use schemas::content::Audience;

use crate::kinds::rules;
use crate::{Content, Error, Service};

/// Up to how many the uses of a hashtag are counted.
pub const COUNTED_MAX: i64 = 1_000;
/// How many of a hashtag's latest uses are looked at to find one that the reader may read.
pub const LOOKED_AT: i64 = 20;

/// A hashtag with content that its reader may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub tag: String,
    /// Public content that has it, as far as they are counted.
    pub uses: u64,
}

impl Service {
    /// Those of `tags` (folded) that have, among their latest uses, one that `reader` may read. Four round trips, however many
    /// there are.
    pub async fn hashtags(&self, reader: UserId, tags: &[String]) -> Result<Vec<Found>, Error> {
        let latest = self.store.latest_of_tags(tags, LOOKED_AT).await?;
        let authors: BTreeSet<UserId> = latest.iter().map(|(_, author)| *author).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let sights = self.sights(reader, &authors).await?;
        // Hashtags are listed with public content only.
        let readable = |author: &UserId| sights.get(author).is_some_and(|(_, sight)| sight.covers(Audience::Public));
        let shown: BTreeSet<&String> =
            latest.iter().filter(|(_, author)| readable(author)).map(|(tag, _)| tag).collect();
        let shown: Vec<String> = shown.into_iter().cloned().collect();
        let counts: HashMap<String, i64> = self.store.count_tags(&shown, COUNTED_MAX).await?;
        let found = |(tag, uses): (String, i64)| Found { tag, uses: uses.unsigned_abs() };
        Ok(counts.into_iter().map(found).filter(|found| found.uses > 0).collect())
    }

    /// A piece of content of a listed kind, if it is public and its author's account is not private.
    pub async fn open(&self, id: ContentId) -> Result<Option<Content>, Error> {
        let Some(content) = self.store.by_id(&[id], self.clock.now()).await?.pop() else { return Ok(None) };
        if content.audience != Audience::Public || !rules(id.kind()).listed {
            return Ok(None);
        }
        let author = self.neighbours.people.summaries(&[content.author]).await?.remove(&content.author);
        Ok(author.filter(|author| !author.private).map(|_| content))
    }
}
