//! What has a hashtag of which the viewer likes to see more than of others.

use std::time::Duration;

use async_trait::async_trait;
use postgres::{Db, fault};
use rank::Source as Reason;

use super::{Proposal, Source, proposals};
use crate::Error;
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;

const PROPOSED_MAX: i64 = 60;
const TAGS_MAX: usize = 12;
const AGE_MAX: Duration = rank::filter::AGE_MAX;

pub struct Topics(pub Db);

#[async_trait]
impl Source for Topics {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.topics", Duration::from_millis(300))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let tags: Vec<i64> = query.profile.favourite_tags(TAGS_MAX).into_iter().map(u64::cast_signed).collect();
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as(
            "SELECT id, kind, author FROM feed_items WHERE tags && $1 AND created_at > $2 ORDER BY heat DESC LIMIT $3",
        )
        .bind(tags)
        .bind(query.now().minus(AGE_MAX))
        .bind(PROPOSED_MAX)
        .fetch_all(self.0.pool())
        .await
        .map_err(fault)?;
        Ok(proposals(rows, Reason::Topic))
    }
}
