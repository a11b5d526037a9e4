//! Making and changing rooms.

use kernel::{RoomId, StoreError, Timestamp, UserId};
use postgres::fault;
use schemas::chat::{Posting, Role, RoomPatch};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{Store, posting, posting_text};
use crate::error::Error;
use crate::model::{MEMBERS_MAX, ROOMS_PER_PERSON_MAX};

/// The constraint that keeps a pair's room the only one.
const PAIR_KEY: &str = "rooms_pair_key";

impl Store {
    /// The room of a pair, made if there is none: and whether it was.
    pub async fn direct(&self, one: UserId, other: UserId, now: Timestamp) -> Result<(RoomId, bool), Error> {
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        if let Some(room) = self.room_of_pair(low, high).await? {
            return Ok((room, false));
        }
        let room = RoomId::new(now);
        match self.insert_direct(room, low, high, one, now).await {
            Ok(()) => Ok((room, true)),
            // Both opened it at once; the other was quicker.
            Err(Error::Store(StoreError::Constraint(name))) if name == PAIR_KEY => {
                let room = self.room_of_pair(low, high).await?;
                Ok((room.ok_or_else(|| StoreError::broken("a pair's room came and went"))?, false))
            }
            Err(error) => Err(error),
        }
    }

    pub async fn room_of_pair(&self, low: UserId, high: UserId) -> Result<Option<RoomId>, Error> {
        let room = sqlx::query_scalar("SELECT id FROM rooms WHERE pair_low = $1 AND pair_high = $2")
            .bind(low)
            .bind(high)
            .fetch_optional(self.db.pool());
        Ok(room.await.map_err(fault)?)
    }

    async fn insert_direct(
        &self,
        room: RoomId,
        low: UserId,
        high: UserId,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        sqlx::query(
            "INSERT INTO rooms (id, kind, posting, created_by, member_count, created_at, changed_at, history_changed_at,
                                pair_low, pair_high)
             VALUES ($1, 'direct', 'everyone', $2, 2, $3, $3, $3, $4, $5)",
        )
        .bind(room)
        .bind(by)
        .bind(now)
        .bind(low)
        .bind(high)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        enter(&mut tx, room, &[low, high], Role::Member, 0, now).await?;
        tx.commit().await.map_err(fault)?;
        Ok(())
    }

    /// A group or a channel with its owner and its first members, who are in the order of their ids.
    pub async fn create(
        &self,
        kind: &'static str,
        name: &str,
        posting: Posting,
        owner: UserId,
        members: &[UserId],
        now: Timestamp,
    ) -> Result<RoomId, Error> {
        if members.len() >= MEMBERS_MAX {
            return Err(Error::RoomFull);
        }
        let room = RoomId::new(now);
        let mut tx = self.db.begin().await?;
        sqlx::query(
            "INSERT INTO rooms (id, kind, name, posting, created_by, member_count, created_at, changed_at,
                                history_changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7)",
        )
        .bind(room)
        .bind(kind)
        .bind(name)
        .bind(posting_text(posting))
        .bind(owner)
        .bind(i32::try_from(members.len() + 1).map_err(StoreError::broken)?)
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        // All people's rows at once, in their order; then each gets the role.
        let mut everybody = members.to_vec();
        everybody.push(owner);
        everybody.sort_unstable();
        count_rooms(&mut tx, &everybody, 1).await?;
        insert_members(&mut tx, room, &[owner], Role::Owner, 0, now).await?;
        insert_members(&mut tx, room, members, Role::Member, 0, now).await?;
        tx.commit().await.map_err(fault)?;
        Ok(room)
    }

    pub async fn change(
        &self,
        room: RoomId,
        patch: &RoomPatch,
        now: Timestamp,
    ) -> Result<(Option<String>, Posting), Error> {
        let changed = sqlx::query_as(
            "UPDATE rooms SET name = coalesce($2, name), posting = coalesce($3, posting), changed_at = $4
             WHERE id = $1 RETURNING name, posting",
        )
        .bind(room)
        .bind(&patch.name)
        .bind(patch.posting.map(posting_text))
        .bind(now)
        .fetch_one(self.db.pool());
        let (name, text): (Option<String>, String) = changed.await.map_err(fault)?;
        Ok((name, posting(&text)?))
    }

    /// Notes that a message of before is not what it was.
    pub async fn history_changed(&self, room: RoomId, now: Timestamp) -> Result<(), Error> {
        let update =
            sqlx::query("UPDATE rooms SET history_changed_at = greatest(history_changed_at, $2) WHERE id = $1")
                .bind(room)
                .bind(now)
                .execute(self.db.pool());
        update.await.map_err(fault)?;
        Ok(())
    }
}

/// Puts people, in the order of their ids, into a room whose row is locked and counts them already.
pub(super) async fn enter(
    tx: &mut Transaction<'static, Postgres>,
    room: RoomId,
    users: &[UserId],
    role: Role,
    head: u64,
    now: Timestamp,
) -> Result<(), Error> {
    count_rooms(tx, users, 1).await?;
    insert_members(tx, room, users, role, head, now).await
}

/// Counts one room more or less for each, in the order of their ids. Refuses, whole, when somebody is in too many.
pub(super) async fn count_rooms(tx: &mut PgConnection, users: &[UserId], more: i32) -> Result<(), Error> {
    let counted = sqlx::query(
        "INSERT INTO room_people AS people (user_id, room_count)
         SELECT user_id, greatest($2, 0) FROM unnest($1::uuid[]) AS new (user_id)
         ON CONFLICT (user_id) DO UPDATE SET room_count = greatest(people.room_count + $2, 0)
         WHERE people.room_count + $2 <= $3",
    )
    .bind(users)
    .bind(more)
    .bind(ROOMS_PER_PERSON_MAX)
    .execute(tx)
    .await
    .map_err(fault)?;
    if counted.rows_affected() == users.len() as u64 { Ok(()) } else { Err(Error::TooManyRooms) }
}

async fn insert_members(
    tx: &mut PgConnection,
    room: RoomId,
    users: &[UserId],
    role: Role,
    head: u64,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO room_members (room_id, user_id, role, joined_at, read_seq, delivered_seq, changed_at)
         SELECT $1, user_id, $3, $4, $5, $5, $4 FROM unnest($2::uuid[]) AS new (user_id)
         ON CONFLICT (room_id, user_id) DO UPDATE
         SET role = $3, joined_at = $4, left_at = NULL, read_seq = greatest(room_members.read_seq, $5),
             delivered_seq = greatest(room_members.delivered_seq, $5), muted_until = NULL, changed_at = $4",
    )
    .bind(room)
    .bind(users)
    .bind(super::role_text(role))
    .bind(now)
    .bind(head.cast_signed())
    .execute(tx)
    .await
    .map_err(fault)?;
    Ok(())
}
