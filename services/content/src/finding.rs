//! Hashtags and posts, as those need them who search and count.

use std::collections::{BTreeSet, HashMap};

use kernel::{PostId, UserId};
use schemas::content::Audience;

use crate::{Error, Post, Service};

/// Up to how many the posts of a hashtag are counted.
pub const POSTS_COUNTED_MAX: i64 = 1_000;
/// How many of a hashtag's latest posts are looked at to find one that the reader may read.
pub const POSTS_LOOKED_AT: i64 = 20;

/// A hashtag with a post that its reader may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub tag: String,
    /// Public posts that have it, as far as they are counted.
    pub posts: u64,
}

impl Service {
    /// Those of `tags` (folded) that have, among their latest posts, one that `reader` may read. Four round trips, however many
    /// there are.
    pub async fn hashtags(&self, reader: UserId, tags: &[String]) -> Result<Vec<Found>, Error> {
        let latest = self.store.latest_of_tags(tags, POSTS_LOOKED_AT).await?;
        let authors: BTreeSet<UserId> = latest.iter().map(|(_, author)| *author).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let sights = self.sight(reader, &authors).await?;
        // Hashtags are listed with public posts only.
        let readable = |author: &UserId| sights.get(author).is_some_and(|(_, sight)| sight.covers(Audience::Public));
        let shown: BTreeSet<&String> =
            latest.iter().filter(|(_, author)| readable(author)).map(|(tag, _)| tag).collect();
        let shown: Vec<String> = shown.into_iter().cloned().collect();
        let counts: HashMap<String, i64> = self.store.count_tags(&shown, POSTS_COUNTED_MAX).await?;
        let found = |(tag, posts): (String, i64)| Found { tag, posts: posts.unsigned_abs() };
        Ok(counts.into_iter().map(found).filter(|found| found.posts > 0).collect())
    }

    /// A post, if it is public and its author's account is not private.
    pub async fn open_post(&self, id: PostId) -> Result<Option<Post>, Error> {
        let Some(post) = self.store.by_id(&[id]).await?.pop() else { return Ok(None) };
        if post.audience != Audience::Public {
            return Ok(None);
        }
        let author = self.people.summaries(&[post.author]).await?.remove(&post.author);
        Ok(author.filter(|author| !author.private).map(|_| post))
    }
}
