//! The port: what was pushed to whom.

mod cassandra;
mod postgres;

use async_trait::async_trait;
use kernel::{ContentId, ContentKind, StoreError, UserId};
use uuid::Uuid;

use crate::model::Entry;

pub use self::cassandra::CassandraTimelines;
pub use self::postgres::PostgresTimelines;

/// Entries that a timeline keeps; more may be there until it is trimmed.
pub const LENGTH_MAX: usize = 1_000;
/// Lines that one call writes.
pub const BATCH_MAX: usize = 1_000;

/// An entry of somebody's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub viewer: UserId,
    pub entry: Entry,
}

/// Rows as entries. `None` for those of kinds that are not known here: a newer Plaza wrote them.
fn entry(id: Uuid, author: UserId, kind: i16) -> Option<Entry> {
    Some(Entry { id: ContentId::from_parts(ContentKind::from_number(kind)?, id), author })
}

/// Everybody's timelines. Implementations: tables in PostgreSQL, and partitions in Cassandra.
///
/// MUSTs, each a case of the conformance suite:
/// - A write that was confirmed is in every page that is read after it.
/// - Writes are idempotent: an entry is in a timeline once, however often it was written. A write that failed may have
///   happened in part; repeating it completes it.
/// - What was removed comes back when it is written again after that.
/// - A page is in the order of ids, the highest first, and has fewer entries than asked for only at the end.
/// - Trimming keeps the newest [`LENGTH_MAX`] entries, all of them, and no others.
#[async_trait]
pub trait Timelines: Send + Sync {
    /// Writes up to [`BATCH_MAX`] lines, of whatever timelines.
    async fn write(&self, lines: &[Line]) -> Result<(), StoreError>;

    /// Up to `limit` entries below `before`, or from the top; those of kinds that are not known here are passed over. One
    /// round trip, as long as there are none of those.
    async fn page(&self, viewer: UserId, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Removes single entries.
    async fn remove(&self, viewer: UserId, ids: &[ContentId]) -> Result<(), StoreError>;

    /// Removes everything by one author.
    async fn remove_author(&self, viewer: UserId, author: UserId) -> Result<(), StoreError>;

    /// Cuts timelines to their newest [`LENGTH_MAX`] entries.
    async fn trim(&self, viewers: &[UserId]) -> Result<(), StoreError>;

    /// Removes a timeline.
    async fn clear(&self, viewer: UserId) -> Result<(), StoreError>;
}
