//! Reading content.

use std::collections::HashMap;

use kernel::{ContentId, ContentKind, PageSize, Timestamp, UserId};
use postgres::{StoreResult, fault};
use schemas::content::Audience;
use uuid::Uuid;

use super::Store;
use super::row::{Row, collect, select};
use crate::kinds::listed;
use crate::model::Content;

/// Which comments of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below {
    /// Those that answer it.
    Direct(ContentId),
    /// All of the thread about it.
    All(ContentId),
}

impl Store {
    /// Those of `ids` that are there at `now`, in no order.
    pub(crate) async fn by_id(&self, ids: &[ContentId], now: Timestamp) -> StoreResult<Vec<Content>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "WHERE id = ANY($1) AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        ))
        .bind(ids)
        .bind(now)
        .fetch_all(self.db.pool());
        let mut found = collect(telemetry::timed("postgres", "content.by_id", rows).await)?;
        // An id of another kind names nothing, though the rest of it is right.
        found.retain(|content| ids.contains(&content.id));
        Ok(found)
    }

    /// What an author published for `audiences`, of one kind or of all that are listed, before `before`, newest first.
    pub(crate) async fn by_author(
        &self,
        author: UserId,
        kind: Option<ContentKind>,
        audiences: &[Audience],
        before: Option<ContentId>,
        (now, size): (Timestamp, PageSize),
    ) -> StoreResult<Vec<Content>> {
        // Each of the two has an index.
        let which = match kind {
            Some(_) => "kind = ANY($5)",
            None => "kind = ANY($5) AND kind NOT IN (3, 4)",
        };
        let rows = sqlx::query_as::<_, Row>(select(&format!(
            "WHERE author = $1 AND {which} AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $6)
               AND audience = ANY($2) AND id < $3
             ORDER BY id DESC LIMIT $4"
        )))
        .bind(author)
        .bind(audiences.iter().map(|audience| audience.name()).collect::<Vec<_>>())
        .bind(before.map_or(Uuid::max(), ContentId::uuid))
        .bind(size.plus_one())
        .bind(kind.map_or_else(listed, |kind| vec![kind]))
        .bind(now)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_author", rows).await)
    }

    /// Public content with a hashtag before `before`, newest first.
    pub(crate) async fn by_tag(&self, tag: &str, before: Option<ContentId>, limit: i64) -> StoreResult<Vec<Content>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "JOIN content_hashtags ON content = id
             WHERE tag = $1 AND content < $2 AND deleted_at IS NULL AND audience = 'public'
             ORDER BY content DESC LIMIT $3",
        ))
        .bind(tag)
        .bind(before.map_or(Uuid::max(), ContentId::uuid))
        .bind(limit)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_tag", rows).await)
    }

    /// Comments after `after`, oldest first.
    pub(crate) async fn comments(
        &self,
        below: Below,
        after: Option<ContentId>,
        limit: i64,
    ) -> StoreResult<Vec<Content>> {
        let (which, of) = match below {
            Below::Direct(parent) => ("parent", parent),
            Below::All(root) => ("root", root),
        };
        let rows = sqlx::query_as::<_, Row>(select(&format!(
            "WHERE {which} = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT $3"
        )))
        .bind(of)
        .bind(after.map_or(Uuid::nil(), ContentId::uuid))
        .bind(limit)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.comments", rows).await)
    }

    /// What a comment stands below, from its parent up to what the thread is about, deleted or not.
    pub(crate) async fn ancestors(&self, comment: ContentId) -> StoreResult<Vec<ContentId>> {
        let rows = sqlx::query_as::<_, (ContentKind, Uuid)>(
            "WITH RECURSIVE above AS (
                 SELECT parent, parent_kind, depth FROM contents WHERE id = $1
                 UNION ALL
                 SELECT it.parent, it.parent_kind, it.depth FROM above JOIN contents it ON it.id = above.parent
             )
             SELECT parent_kind, parent FROM above WHERE parent IS NOT NULL ORDER BY depth DESC",
        )
        .bind(comment)
        .fetch_all(self.db.pool());
        let rows = telemetry::timed("postgres", "content.ancestors", rows).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(kind, id)| ContentId::from_parts(kind, id)).collect())
    }

    /// Hashtags and authors of the latest public content of each of `tags`, up to `each` of a hashtag.
    pub(crate) async fn latest_of_tags(&self, tags: &[String], each: i64) -> StoreResult<Vec<(String, UserId)>> {
        let rows = sqlx::query_as::<_, (String, UserId)>(
            "SELECT asked.tag, latest.author FROM unnest($1::text[]) asked (tag)
             CROSS JOIN LATERAL (
                 SELECT author FROM content_hashtags JOIN contents ON id = content
                 WHERE content_hashtags.tag = asked.tag AND deleted_at IS NULL AND audience = 'public'
                 ORDER BY content DESC LIMIT $2
             ) latest",
        )
        .bind(tags)
        .bind(each)
        .fetch_all(self.db.pool());
        telemetry::timed("postgres", "content.latest_of_tags", rows).await.map_err(fault)
    }

    /// How much public content each of `tags` has, counted up to `most`.
    pub(crate) async fn count_tags(&self, tags: &[String], most: i64) -> StoreResult<HashMap<String, i64>> {
        let rows = sqlx::query_as::<_, (String, i64)>(
            "SELECT asked.tag, (SELECT count(*) FROM (
                 SELECT FROM content_hashtags WHERE content_hashtags.tag = asked.tag LIMIT $2
             ) counted) FROM unnest($1::text[]) asked (tag)",
        )
        .bind(tags)
        .bind(most)
        .fetch_all(self.db.pool());
        Ok(telemetry::timed("postgres", "content.count_tags", rows).await.map_err(fault)?.into_iter().collect())
    }
}
