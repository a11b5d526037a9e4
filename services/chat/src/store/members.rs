//! Who comes and goes.

use kernel::{PageSize, RoomId, StoreError, Timestamp, UserId};
use postgres::fault;
use schemas::chat::Role;
use sqlx::{PgConnection, Postgres, Transaction};

use super::rooms::{count_rooms, enter};
use super::{Store, role, role_text};
use crate::error::Error;
use crate::model::MEMBERS_MAX;

/// Who went, and what changed by it.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone {
    pub member_count: u32,
    /// Who owns the room now, if the owner went.
    pub heir: Option<UserId>,
}

impl Store {
    /// Adds those of `users`, who are in the order of their ids, that are not in the room: them, and the count.
    pub async fn add(
        &self,
        room: RoomId,
        users: &[UserId],
        as_role: Role,
        head: u64,
        now: Timestamp,
    ) -> Result<(Vec<UserId>, u32), Error> {
        let mut tx = self.db.begin().await?;
        let count = lock(&mut tx, room).await?;
        let present: Vec<UserId> = sqlx::query_scalar(
            "SELECT user_id FROM room_members WHERE room_id = $1 AND user_id = ANY($2) AND left_at IS NULL",
        )
        .bind(room)
        .bind(users)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
        let new: Vec<UserId> = users.iter().copied().filter(|user| !present.contains(user)).collect();
        if new.is_empty() {
            return Ok((new, count.cast_unsigned()));
        }
        let count = count + i32::try_from(new.len()).map_err(StoreError::broken)?;
        if count > MEMBERS_MAX as i32 {
            return Err(Error::RoomFull);
        }
        set_count(&mut tx, room, count, now).await?;
        enter(&mut tx, room, &new, as_role, head, now).await?;
        tx.commit().await.map_err(fault)?;
        Ok((new, count.cast_unsigned()))
    }

    /// Takes a person out. When it is the owner, the longest-serving admin owns the room, else the longest-serving member.
    pub async fn remove(&self, room: RoomId, user: UserId, now: Timestamp) -> Result<Gone, Error> {
        let mut tx = self.db.begin().await?;
        let count = lock(&mut tx, room).await? - 1;
        let was: Option<String> = sqlx::query_scalar(
            "UPDATE room_members SET left_at = $3, changed_at = $3
             WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL RETURNING role",
        )
        .bind(room)
        .bind(user)
        .bind(now)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
        let was = role(&was.ok_or(Error::MemberNotFound)?)?;
        let heir = if was == Role::Owner { hand_over(&mut tx, room, now).await? } else { None };
        set_count(&mut tx, room, count, now).await?;
        count_rooms(&mut tx, &[user], -1).await?;
        sqlx::query("DELETE FROM room_mentions WHERE user_id = $1 AND room_id = $2")
            .bind(user)
            .bind(room)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        left_event(&mut tx, room, user, now).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Gone { member_count: count.cast_unsigned(), heir })
    }

    /// Gives a member a role. Who is made owner takes it from the owner, who stays as an admin.
    pub async fn set_role(
        &self,
        room: RoomId,
        owner: UserId,
        user: UserId,
        to: Role,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        lock(&mut tx, room).await?;
        if to == Role::Owner && owner != user {
            put_role(&mut tx, room, owner, Role::Admin, now).await?;
        }
        if !put_role(&mut tx, room, user, to, now).await? {
            return Err(Error::MemberNotFound);
        }
        tx.commit().await.map_err(fault)?;
        Ok(())
    }

    pub async fn role_of(&self, room: RoomId, user: UserId) -> Result<Option<Role>, Error> {
        let role: Option<String> =
            sqlx::query_scalar("SELECT role FROM room_members WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL")
                .bind(room)
                .bind(user)
                .fetch_optional(self.db.pool())
                .await
                .map_err(fault)?;
        Ok(role.as_deref().map(self::role).transpose()?)
    }

    /// A page of members, in the order of their ids.
    pub async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        size: PageSize,
    ) -> Result<Vec<(UserId, Role, Timestamp)>, Error> {
        let rows: Vec<(UserId, String, Timestamp)> = sqlx::query_as(
            "SELECT user_id, role, joined_at FROM room_members
             WHERE room_id = $1 AND left_at IS NULL AND ($2::uuid IS NULL OR user_id > $2) ORDER BY user_id LIMIT $3",
        )
        .bind(room)
        .bind(after)
        .bind(size.plus_one())
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        rows.into_iter().map(|(user, text, joined)| Ok((user, role(&text)?, joined))).collect()
    }

    /// The rooms that a person is in.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomId>, Error> {
        let rooms = sqlx::query_scalar("SELECT room_id FROM room_members WHERE user_id = $1 AND left_at IS NULL")
            .bind(user)
            .fetch_all(self.db.pool());
        Ok(rooms.await.map_err(fault)?)
    }

    /// Those of `rooms` that are channels.
    pub async fn channels_of(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, Error> {
        let rooms = sqlx::query_scalar("SELECT id FROM rooms WHERE id = ANY($1) AND kind = 'channel'")
            .bind(rooms)
            .fetch_all(self.db.pool());
        Ok(rooms.await.map_err(fault)?)
    }
}

/// Locks a room's row: its count of members.
async fn lock(tx: &mut PgConnection, room: RoomId) -> Result<i32, Error> {
    let count = sqlx::query_scalar("SELECT member_count FROM rooms WHERE id = $1 FOR UPDATE").bind(room);
    count.fetch_optional(tx).await.map_err(fault)?.ok_or(Error::RoomNotFound)
}

async fn set_count(tx: &mut PgConnection, room: RoomId, count: i32, now: Timestamp) -> Result<(), Error> {
    let update = sqlx::query("UPDATE rooms SET member_count = $2, changed_at = $3 WHERE id = $1");
    update.bind(room).bind(count).bind(now).execute(tx).await.map_err(fault)?;
    Ok(())
}

async fn put_role(tx: &mut PgConnection, room: RoomId, user: UserId, to: Role, now: Timestamp) -> Result<bool, Error> {
    let update = sqlx::query(
        "UPDATE room_members SET role = $3, changed_at = $4 WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL",
    );
    let done = update.bind(room).bind(user).bind(role_text(to)).bind(now).execute(tx).await.map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

async fn hand_over(tx: &mut PgConnection, room: RoomId, now: Timestamp) -> Result<Option<UserId>, Error> {
    let heir = sqlx::query_scalar(
        "UPDATE room_members SET role = 'owner', changed_at = $2
         WHERE room_id = $1 AND user_id = (
             SELECT user_id FROM room_members WHERE room_id = $1 AND left_at IS NULL
             ORDER BY (role = 'admin') DESC, joined_at, user_id LIMIT 1)
         RETURNING user_id",
    );
    Ok(heir.bind(room).bind(now).fetch_optional(tx).await.map_err(fault)?)
}

/// Sockets must stop following even if this process dies before it says so itself.
async fn left_event(
    tx: &mut Transaction<'static, Postgres>,
    room: RoomId,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let event = postgres::outbox::OutboxEvent {
        id: kernel::EventId::new(now),
        kind: crate::consumer::LEFT,
        key: user.to_string(),
        payload: serde_json::json!({ "room": room, "user": user }),
    };
    Ok(postgres::outbox::append(tx, &event, now).await?)
}
