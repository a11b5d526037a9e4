//! The latest of authors who are little known yet.

use std::time::Duration;

use async_trait::async_trait;
use postgres::{Db, fault};
use rank::Source as Reason;

use super::{Proposal, Source, proposals};
use crate::Error;
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;

const PROPOSED_MAX: i64 = 30;
/// The latest items, among which new authors are looked for.
const LOOKED_AT: i64 = 500;

pub struct Newcomers(pub Db);

#[async_trait]
impl Source for Newcomers {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.newcomers", Duration::from_millis(300))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let rows = sqlx::query_as(
            "WITH latest AS (
                 SELECT id, kind, author FROM feed_items WHERE created_at > $1 ORDER BY created_at DESC LIMIT $2)
             SELECT DISTINCT ON (l.author) l.id, l.kind, l.author
             FROM latest l LEFT JOIN feed_tallies t ON t.id = l.author
             WHERE coalesce(t.shown, 0) < $3 ORDER BY l.author, l.id DESC LIMIT $4",
        )
        .bind(query.now().minus(rank::filter::AGE_MAX))
        .bind(LOOKED_AT)
        .bind(rank::slate::COLD_SHOWN_MAX)
        .bind(PROPOSED_MAX)
        .fetch_all(self.0.pool())
        .await
        .map_err(fault)?;
        Ok(proposals(rows, Reason::NewAuthor))
    }
}
