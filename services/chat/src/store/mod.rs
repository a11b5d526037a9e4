//! Rooms, members and marks in PostgreSQL.
//!
//! Whoever changes a room's members locks the room's row first, so its count is exact and its limit holds; then the people's rows
//! in the order of their ids, so that theirs do and nobody waits in a circle.

mod marks;
mod members;
mod overview;
mod rooms;

use kernel::{RoomId, StoreError, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::chat::{Posting, Role, RoomKind};
use sqlx::FromRow;

use crate::model::Standing;

pub use marks::MarkMove;
pub use overview::{Facts, Overview};

/// What chat keeps besides the log.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    /// How a person stands towards a room; `None`: there is no such room.
    pub async fn standing(&self, room: RoomId, user: UserId) -> StoreResult<Option<Standing>> {
        let row: Option<StandingRow> = sqlx::query_as(
            "SELECT r.kind, r.posting, r.member_count, m.role,
                    CASE WHEN r.pair_low = $2 THEN r.pair_high ELSE r.pair_low END AS other
             FROM rooms r
             LEFT JOIN room_members m ON m.room_id = r.id AND m.user_id = $2 AND m.left_at IS NULL
             WHERE r.id = $1",
        )
        .bind(room)
        .bind(user)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        row.map(StandingRow::read).transpose()
    }
}

#[derive(FromRow)]
struct StandingRow {
    kind: String,
    posting: String,
    member_count: i32,
    role: Option<String>,
    other: Option<UserId>,
}

impl StandingRow {
    fn read(self) -> StoreResult<Standing> {
        Ok(Standing {
            kind: kind(&self.kind)?,
            posting: posting(&self.posting)?,
            member_count: self.member_count.cast_unsigned(),
            role: self.role.as_deref().map(role).transpose()?,
            other: self.other,
        })
    }
}

fn kind(text: &str) -> StoreResult<RoomKind> {
    match text {
        "direct" => Ok(RoomKind::Direct),
        "group" => Ok(RoomKind::Group),
        "channel" => Ok(RoomKind::Channel),
        other => Err(StoreError::broken(format!("no kind of room: {other}"))),
    }
}

fn posting(text: &str) -> StoreResult<Posting> {
    match text {
        "staff" => Ok(Posting::Staff),
        "everyone" => Ok(Posting::Everyone),
        other => Err(StoreError::broken(format!("no rule of posting: {other}"))),
    }
}

fn role(text: &str) -> StoreResult<Role> {
    match text {
        "member" => Ok(Role::Member),
        "admin" => Ok(Role::Admin),
        "owner" => Ok(Role::Owner),
        other => Err(StoreError::broken(format!("no role: {other}"))),
    }
}

const fn posting_text(posting: Posting) -> &'static str {
    match posting {
        Posting::Staff => "staff",
        Posting::Everyone => "everyone",
    }
}

const fn role_text(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}
