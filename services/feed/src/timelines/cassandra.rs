//! Timelines in Cassandra: one partition a person.

use async_trait::async_trait;
use cassandra::{Db, StoreResult};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kernel::{ContentId, StoreError, UserId};
use scylla::statement::prepared::PreparedStatement;
use uuid::Uuid;

use super::{LENGTH_MAX, Line, Timelines, entry};
use crate::model::Entry;

/// Writes of one call that are under way at once.
const CONCURRENCY: usize = 64;
/// Rows of a partition that are looked through for an author. Trimming keeps partitions far below it.
const SCAN_MAX: i32 = 4 * LENGTH_MAX as i32;

pub struct CassandraTimelines {
    db: Db,
    insert: PreparedStatement,
    page: PreparedStatement,
    delete: PreparedStatement,
    delete_from: PreparedStatement,
    clear: PreparedStatement,
}

impl CassandraTimelines {
    pub async fn open(db: Db) -> StoreResult<Self> {
        Ok(Self {
            insert: db.prepare("INSERT INTO timelines (viewer, id, author, kind) VALUES (?, ?, ?, ?)").await?,
            page: db.prepare("SELECT id, author, kind FROM timelines WHERE viewer = ? AND id < ? LIMIT ?").await?,
            delete: db.prepare("DELETE FROM timelines WHERE viewer = ? AND id = ?").await?,
            delete_from: db.prepare("DELETE FROM timelines WHERE viewer = ? AND id <= ?").await?,
            clear: db.prepare("DELETE FROM timelines WHERE viewer = ?").await?,
            db,
        })
    }

    async fn insert(&self, Line { viewer, entry }: Line) -> StoreResult<()> {
        let kind = i8::try_from(entry.id.kind().number()).map_err(StoreError::broken)?;
        let row = (viewer.uuid(), entry.id.uuid(), entry.author.uuid(), kind);
        self.db.write(&self.insert, row).await
    }

    async fn rows(&self, viewer: UserId, before: Option<ContentId>, limit: i32) -> StoreResult<Vec<(Uuid, Uuid, i8)>> {
        // No id is as high as this one, whose version is none of UUID's.
        let before = before.map_or(Uuid::max(), ContentId::uuid);
        self.db.read::<(Uuid, Uuid, i8)>(&self.page, (viewer.uuid(), before, limit)).await
    }

    async fn entries(&self, viewer: UserId, before: Option<ContentId>, limit: usize) -> StoreResult<Vec<Entry>> {
        let mut wanted = limit;
        loop {
            let rows = self.rows(viewer, before, i32::try_from(wanted).unwrap_or(i32::MAX)).await?;
            let (found, ended) = (rows.len(), rows.len() < wanted);
            let known = |(id, author, kind)| entry(id, UserId::from_uuid(author), i16::from(kind));
            let mut entries: Vec<Entry> = rows.into_iter().filter_map(known).collect();
            if ended || entries.len() >= limit {
                entries.truncate(limit);
                return Ok(entries);
            }
            wanted += found - entries.len();
        }
    }

    async fn delete(&self, viewer: UserId, ids: Vec<Uuid>) -> StoreResult<()> {
        each(ids, |id| self.db.write(&self.delete, (viewer.uuid(), id))).await
    }

    /// One range tombstone at the old end, where pages rarely read.
    async fn trim_one(&self, viewer: UserId) -> StoreResult<()> {
        let kept = LENGTH_MAX as i32;
        match self.rows(viewer, None, kept + 1).await?.get(LENGTH_MAX) {
            Some((beyond, ..)) => self.db.write(&self.delete_from, (viewer.uuid(), *beyond)).await,
            None => Ok(()),
        }
    }
}

/// Does the same to each, a bounded number at a time; ends with the first failure.
async fn each<T, F>(items: impl IntoIterator<Item = T>, act: impl FnMut(T) -> F) -> StoreResult<()>
where
    F: Future<Output = StoreResult<()>>,
{
    stream::iter(items).map(act).buffer_unordered(CONCURRENCY).try_collect().await
}

#[async_trait]
impl Timelines for CassandraTimelines {
    async fn write(&self, lines: &[Line]) -> Result<(), StoreError> {
        let writes = each(lines.iter().copied(), |line| self.insert(line));
        telemetry::timed("cassandra", "timelines.write", writes).await
    }

    async fn page(&self, viewer: UserId, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        telemetry::timed("cassandra", "timelines.page", self.entries(viewer, before, limit)).await
    }

    async fn remove(&self, viewer: UserId, ids: &[ContentId]) -> Result<(), StoreError> {
        let ids = ids.iter().map(|id| id.uuid()).collect();
        telemetry::timed("cassandra", "timelines.remove", self.delete(viewer, ids)).await
    }

    async fn remove_author(&self, viewer: UserId, author: UserId) -> Result<(), StoreError> {
        telemetry::timed("cassandra", "timelines.remove_author", async {
            let rows = self.rows(viewer, None, SCAN_MAX).await?;
            let theirs = rows.into_iter().filter(|row| row.1 == author.uuid()).map(|row| row.0).collect();
            self.delete(viewer, theirs).await
        })
        .await
    }

    async fn trim(&self, viewers: &[UserId]) -> Result<(), StoreError> {
        let trims = each(viewers.iter().copied(), |viewer| self.trim_one(viewer));
        telemetry::timed("cassandra", "timelines.trim", trims).await
    }

    async fn clear(&self, viewer: UserId) -> Result<(), StoreError> {
        telemetry::timed("cassandra", "timelines.clear", self.db.write(&self.clear, (viewer.uuid(),))).await
    }
}
