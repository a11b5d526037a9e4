//! What many react to now: in the viewer's language, or in any when there is too little of it.

use std::time::Duration;

use async_trait::async_trait;
use postgres::{Db, fault};
use rank::Source as Reason;

use super::{Proposal, Row, Source, proposals};
use crate::Error;
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;

const PROPOSED_MAX: i64 = 60;
/// From so many on, other languages are left out.
const ENOUGH: usize = 20;

pub struct Trending(pub Db);

impl Trending {
    async fn hottest(&self, language: Option<&str>) -> Result<Vec<Row>, Error> {
        let query = match language {
            Some(language) => sqlx::query_as(
                "SELECT id, kind, author FROM feed_items WHERE language = $2 ORDER BY heat DESC LIMIT $1",
            )
            .bind(PROPOSED_MAX)
            .bind(language),
            None => {
                sqlx::query_as("SELECT id, kind, author FROM feed_items ORDER BY heat DESC LIMIT $1").bind(PROPOSED_MAX)
            }
        };
        Ok(query.fetch_all(self.0.pool()).await.map_err(fault)?)
    }
}

#[async_trait]
impl Source for Trending {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.trending", Duration::from_millis(300))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let mut rows = match query.asked.language.as_deref() {
            Some(language) => self.hottest(Some(language)).await?,
            None => Vec::new(),
        };
        if rows.len() < ENOUGH {
            rows.extend(self.hottest(None).await?);
        }
        Ok(proposals(rows, Reason::Trending))
    }
}
