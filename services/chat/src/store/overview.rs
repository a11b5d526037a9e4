//! Everything about a person's rooms, in one statement.

use kernel::{RoomId, Timestamp, UserId};
use postgres::fault;
use schemas::chat::{Posting, Role, RoomKind};
use sqlx::FromRow;

use super::{Store, kind, posting, role};
use crate::error::Error;
use crate::model::ROOMS_PER_PERSON_MAX;

/// What a room is, to everybody.
#[derive(Debug, Clone)]
pub struct Facts {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: Option<String>,
    pub posting: Posting,
    pub member_count: u32,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub history_changed_at: Timestamp,
    /// Whom a direct room is with.
    pub other: Option<UserId>,
}

/// What it is to its member.
#[derive(Debug, Clone)]
pub struct Overview {
    pub facts: Facts,
    pub role: Role,
    pub joined_at: Timestamp,
    pub read_seq: u64,
    pub delivered_seq: u64,
    pub muted_until: Option<Timestamp>,
    pub mentions: u64,
    /// Of anything but messages.
    pub changed_at: Timestamp,
}

/// A room that a person is not in any more.
#[derive(Debug, Clone, FromRow)]
pub struct Left {
    pub room_id: RoomId,
    pub left_at: Timestamp,
}

#[derive(FromRow)]
struct Row {
    id: RoomId,
    kind: String,
    name: Option<String>,
    posting: String,
    member_count: i32,
    created_at: Timestamp,
    changed_at: Timestamp,
    history_changed_at: Timestamp,
    other: Option<UserId>,
    role: Option<String>,
    joined_at: Option<Timestamp>,
    read_seq: Option<i64>,
    delivered_seq: Option<i64>,
    muted_until: Option<Timestamp>,
    member_changed_at: Option<Timestamp>,
    mentions: i64,
}

impl Row {
    fn read(self) -> Result<(Facts, Option<Overview>), Error> {
        let facts = Facts {
            id: self.id,
            kind: kind(&self.kind)?,
            name: self.name,
            posting: posting(&self.posting)?,
            member_count: self.member_count.cast_unsigned(),
            created_at: self.created_at,
            changed_at: self.changed_at,
            history_changed_at: self.history_changed_at,
            other: self.other,
        };
        let Some(role) = self.role.as_deref().map(role).transpose()? else { return Ok((facts, None)) };
        let overview = Overview {
            role,
            joined_at: self.joined_at.unwrap_or_default(),
            read_seq: self.read_seq.unwrap_or(0).cast_unsigned(),
            delivered_seq: self.delivered_seq.unwrap_or(0).cast_unsigned(),
            muted_until: self.muted_until,
            mentions: self.mentions.cast_unsigned(),
            changed_at: facts.changed_at.max(facts.history_changed_at).max(self.member_changed_at.unwrap_or_default()),
            facts: facts.clone(),
        };
        Ok((facts, Some(overview)))
    }
}

impl Store {
    /// All rooms that a person is in. One statement, bounded by the limit on rooms of a person.
    pub async fn overviews(&self, user: UserId) -> Result<Vec<Overview>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT r.id, r.kind, r.name, r.posting, r.member_count, r.created_at, r.changed_at, r.history_changed_at,
                    CASE WHEN r.pair_low = $1 THEN r.pair_high ELSE r.pair_low END AS other,
                    m.role, m.joined_at, m.read_seq, m.delivered_seq, m.muted_until, m.changed_at AS member_changed_at,
                    (SELECT count(*) FROM room_mentions n
                     WHERE n.user_id = $1 AND n.room_id = r.id AND n.seq > m.read_seq) AS mentions
             FROM room_members m JOIN rooms r ON r.id = m.room_id
             WHERE m.user_id = $1 AND m.left_at IS NULL LIMIT $2",
        )
        .bind(user)
        .bind(ROOMS_PER_PERSON_MAX)
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        rows.into_iter().filter_map(|row| row.read().map(|(_, overview)| overview).transpose()).collect()
    }

    /// A room, and what it is to a person if that is a member.
    pub async fn overview(&self, room: RoomId, user: UserId) -> Result<(Facts, Option<Overview>), Error> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT r.id, r.kind, r.name, r.posting, r.member_count, r.created_at, r.changed_at, r.history_changed_at,
                    CASE WHEN r.pair_low = $1 THEN r.pair_high ELSE r.pair_low END AS other,
                    m.role, m.joined_at, m.read_seq, m.delivered_seq, m.muted_until, m.changed_at AS member_changed_at,
                    (SELECT count(*) FROM room_mentions n
                     WHERE n.user_id = $1 AND n.room_id = r.id AND n.seq > m.read_seq) AS mentions
             FROM rooms r LEFT JOIN room_members m ON m.room_id = r.id AND m.user_id = $1 AND m.left_at IS NULL
             WHERE r.id = $2",
        )
        .bind(user)
        .bind(room)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        row.ok_or(Error::RoomNotFound)?.read()
    }

    /// The rooms that a person left from `since` on, the latest first.
    pub async fn left(&self, user: UserId, since: Timestamp) -> Result<Vec<Left>, Error> {
        let rows = sqlx::query_as(
            "SELECT room_id, left_at FROM room_members WHERE user_id = $1 AND left_at >= $2 ORDER BY left_at DESC LIMIT $3",
        )
        .bind(user)
        .bind(since)
        .bind(ROOMS_PER_PERSON_MAX)
        .fetch_all(self.db.pool());
        Ok(rows.await.map_err(fault)?)
    }
}
