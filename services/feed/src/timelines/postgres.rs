//! Timelines in PostgreSQL: one row an entry.

use async_trait::async_trait;
use kernel::{ContentId, StoreError, UserId};
use postgres::{Db, fault};
use uuid::Uuid;

use super::{LENGTH_MAX, Line, Timelines, entry};
use crate::model::Entry;

#[derive(Debug, Clone)]
pub struct PostgresTimelines {
    db: Db,
}

impl PostgresTimelines {
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

/// Runs a statement that answers nothing.
macro_rules! run {
    ($self:ident, $operation:literal, $sql:literal $(, $value:expr)*) => {
        telemetry::timed("postgres", $operation, sqlx::query($sql)$(.bind($value))*.execute($self.db.pool()))
            .await
            .map(drop)
            .map_err(fault)
    };
}

#[async_trait]
impl Timelines for PostgresTimelines {
    async fn write(&self, lines: &[Line]) -> Result<(), StoreError> {
        // In the order of the index: writers that meet wait for each other and never in a circle, and neighbours share pages.
        let mut lines: Vec<Line> = lines.to_vec();
        lines.sort_unstable_by_key(|line| (line.viewer, line.entry.id));
        run!(
            self,
            "timelines.write",
            "INSERT INTO timelines (viewer, id, author, kind)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[])
             ON CONFLICT DO NOTHING",
            lines.iter().map(|line| line.viewer).collect::<Vec<_>>(),
            lines.iter().map(|line| line.entry.id.uuid()).collect::<Vec<_>>(),
            lines.iter().map(|line| line.entry.author).collect::<Vec<_>>(),
            lines.iter().map(|line| line.entry.id.kind()).collect::<Vec<_>>()
        )
    }

    async fn page(&self, viewer: UserId, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut wanted = limit;
        loop {
            let rows = sqlx::query_as::<_, (Uuid, UserId, i16)>(
                "SELECT id, author, kind FROM timelines WHERE viewer = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            )
            .bind(viewer)
            .bind(before.map_or(Uuid::max(), ContentId::uuid))
            .bind(wanted as i64)
            .fetch_all(self.db.pool());
            let rows = telemetry::timed("postgres", "timelines.page", rows).await.map_err(fault)?;
            let (found, ended) = (rows.len(), rows.len() < wanted);
            let mut entries: Vec<Entry> =
                rows.into_iter().filter_map(|(id, author, kind)| entry(id, author, kind)).collect();
            if ended || entries.len() >= limit {
                entries.truncate(limit);
                return Ok(entries);
            }
            wanted += found - entries.len();
        }
    }

    async fn remove(&self, viewer: UserId, ids: &[ContentId]) -> Result<(), StoreError> {
        run!(self, "timelines.remove", "DELETE FROM timelines WHERE viewer = $1 AND id = ANY($2)", viewer, ids)
    }

    async fn remove_author(&self, viewer: UserId, author: UserId) -> Result<(), StoreError> {
        run!(self, "timelines.remove_author", "DELETE FROM timelines WHERE viewer = $1 AND author = $2", viewer, author)
    }

    async fn trim(&self, viewers: &[UserId]) -> Result<(), StoreError> {
        // Most timelines have nothing beyond the last entry to be kept. That is looked up first, by itself: a single statement
        // that deletes as well may read the whole table for it, when statistics are old.
        let beyond = sqlx::query_as::<_, (UserId, Option<Uuid>)>(
            "SELECT viewer, (
                 SELECT id FROM timelines mine WHERE mine.viewer = asked.viewer ORDER BY id DESC OFFSET $2 LIMIT 1
             )
             FROM unnest($1::uuid[]) asked (viewer)",
        )
        .bind(viewers)
        .bind(LENGTH_MAX as i64)
        .fetch_all(self.db.pool());
        let beyond = telemetry::timed("postgres", "timelines.overlong", beyond).await.map_err(fault)?;
        let overlong = beyond.into_iter().filter_map(|(viewer, beyond)| Some((viewer, beyond?)));
        let (viewers, beyond): (Vec<UserId>, Vec<Uuid>) = overlong.unzip();
        if viewers.is_empty() {
            return Ok(());
        }
        run!(
            self,
            "timelines.trim",
            "DELETE FROM timelines USING unnest($1::uuid[], $2::uuid[]) AS cut (viewer, beyond)
             WHERE timelines.viewer = cut.viewer AND timelines.id <= cut.beyond",
            viewers,
            beyond
        )
    }

    async fn clear(&self, viewer: UserId) -> Result<(), StoreError> {
        run!(self, "timelines.clear", "DELETE FROM timelines WHERE viewer = $1", viewer)
    }
}
