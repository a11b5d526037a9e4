//! How far everybody has come: watermarks that only rise.

use kernel::{RoomId, Timestamp, UserId};
use postgres::{StoreResult, fault};
use schemas::chat::{Marks, Receipt};
use sqlx::FromRow;

use super::Store;
use crate::error::Error;

/// One person's marks in one room, moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkMove {
    pub room: RoomId,
    pub user: UserId,
    pub read_seq: u64,
    pub delivered_seq: u64,
}

#[derive(FromRow)]
struct Row {
    read_seq: i64,
    delivered_seq: i64,
    mentions: i64,
}

impl Store {
    /// Raises a read mark, and the delivered mark with it. `None` when it stood there already.
    pub async fn read(
        &self,
        room: RoomId,
        user: UserId,
        seq: u64,
        head: u64,
        now: Timestamp,
    ) -> Result<Option<Marks>, Error> {
        let row: Option<Row> = sqlx::query_as(
            "WITH moved AS (
                 UPDATE room_members
                 SET read_seq = $3, delivered_seq = greatest(delivered_seq, $3), changed_at = $4
                 WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL AND read_seq < $3
                 RETURNING read_seq, delivered_seq),
             read AS (DELETE FROM room_mentions
                      WHERE user_id = $2 AND room_id = $1 AND seq <= $3 AND EXISTS (SELECT FROM moved))
             SELECT read_seq, delivered_seq,
                    (SELECT count(*) FROM room_mentions WHERE user_id = $2 AND room_id = $1 AND seq > $3) AS mentions
             FROM moved",
        )
        .bind(room)
        .bind(user)
        .bind(seq.cast_signed())
        .bind(now)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(row.map(|row| marks(&row, head)))
    }

    /// Where a member's marks stand.
    pub async fn marks(&self, room: RoomId, user: UserId, head: u64) -> Result<Marks, Error> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT read_seq, delivered_seq,
                    (SELECT count(*) FROM room_mentions n
                     WHERE n.user_id = $2 AND n.room_id = $1 AND n.seq > m.read_seq) AS mentions
             FROM room_members m WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL",
        )
        .bind(room)
        .bind(user)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        row.map(|row| marks(&row, head)).ok_or(Error::MemberNotFound)
    }

    /// Raises many marks in one statement, whose rows are locked in one order. Who is no member any more is passed over.
    pub async fn move_marks(&self, moves: &[MarkMove], now: Timestamp) -> StoreResult<()> {
        let rooms: Vec<RoomId> = moves.iter().map(|one| one.room).collect();
        let users: Vec<UserId> = moves.iter().map(|one| one.user).collect();
        let read: Vec<i64> = moves.iter().map(|one| one.read_seq.cast_signed()).collect();
        let delivered: Vec<i64> = moves.iter().map(|one| one.delivered_seq.cast_signed()).collect();
        sqlx::query(
            "WITH moved AS (
                 SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
                     AS moved (room_id, user_id, read_seq, delivered_seq)),
             locked AS (
                 SELECT m.room_id, m.user_id, v.read_seq, v.delivered_seq
                 FROM room_members m JOIN moved v USING (room_id, user_id)
                 WHERE m.left_at IS NULL AND (m.read_seq < v.read_seq OR m.delivered_seq < v.delivered_seq)
                 ORDER BY m.room_id, m.user_id FOR UPDATE OF m)
             UPDATE room_members m
             SET read_seq = greatest(m.read_seq, l.read_seq),
                 delivered_seq = greatest(m.delivered_seq, l.delivered_seq, l.read_seq), changed_at = greatest(m.changed_at, $5)
             FROM locked l WHERE m.room_id = l.room_id AND m.user_id = l.user_id",
        )
        .bind(&rooms)
        .bind(&users)
        .bind(&read)
        .bind(&delivered)
        .bind(now)
        .execute(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// The marks of a room's members, without those who hide theirs.
    pub async fn receipts(&self, room: RoomId) -> Result<Vec<Receipt>, Error> {
        let rows: Vec<(UserId, i64, i64)> = sqlx::query_as(
            "SELECT m.user_id, m.read_seq, m.delivered_seq FROM room_members m
             LEFT JOIN room_people p ON p.user_id = m.user_id
             WHERE m.room_id = $1 AND m.left_at IS NULL AND NOT coalesce(p.hide_receipts, false)
             ORDER BY m.user_id",
        )
        .bind(room)
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(user, read, delivered)| receipt(user, read, delivered)).collect())
    }

    /// Of the marks that were moved, those that others may know: in small rooms, of people who do not hide theirs.
    pub async fn visible_marks(&self, moved: &[MarkMove], members_max: u32) -> Result<Vec<(RoomId, Receipt)>, Error> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let rooms: Vec<RoomId> = moved.iter().map(|one| one.room).collect();
        let users: Vec<UserId> = moved.iter().map(|one| one.user).collect();
        let rows: Vec<(RoomId, UserId, i64, i64)> = sqlx::query_as(
            "SELECT m.room_id, m.user_id, m.read_seq, m.delivered_seq
             FROM unnest($1::uuid[], $2::uuid[]) AS moved (room_id, user_id)
             JOIN room_members m USING (room_id, user_id)
             JOIN rooms r ON r.id = m.room_id
             LEFT JOIN room_people p ON p.user_id = m.user_id
             WHERE m.left_at IS NULL AND r.member_count <= $3 AND NOT coalesce(p.hide_receipts, false)",
        )
        .bind(&rooms)
        .bind(&users)
        .bind(members_max.cast_signed())
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(room, user, read, delivered)| (room, receipt(user, read, delivered))).collect())
    }

    pub async fn hides_receipts(&self, user: UserId) -> Result<bool, Error> {
        let hides = sqlx::query_scalar("SELECT hide_receipts FROM room_people WHERE user_id = $1")
            .bind(user)
            .fetch_optional(self.db.pool());
        Ok(hides.await.map_err(fault)?.unwrap_or(false))
    }

    pub async fn set_hides_receipts(&self, user: UserId, hides: bool) -> Result<(), Error> {
        let set = sqlx::query(
            "INSERT INTO room_people (user_id, hide_receipts) VALUES ($1, $2)
             ON CONFLICT (user_id) DO UPDATE SET hide_receipts = $2",
        );
        set.bind(user).bind(hides).execute(self.db.pool()).await.map_err(fault)?;
        Ok(())
    }

    pub async fn mute(
        &self,
        room: RoomId,
        user: UserId,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mute = sqlx::query(
            "UPDATE room_members SET muted_until = $3, changed_at = $4
             WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL",
        );
        let done = mute.bind(room).bind(user).bind(until).bind(now).execute(self.db.pool()).await.map_err(fault)?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::RoomNotFound) }
    }

    /// Notes a message for those of its mentions who are members and have not read so far.
    pub async fn mention(&self, room: RoomId, seq: u64, by: UserId, users: &[UserId]) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO room_mentions (user_id, room_id, seq)
             SELECT user_id, room_id, $2 FROM room_members
             WHERE room_id = $1 AND user_id = ANY($4) AND user_id <> $3 AND left_at IS NULL AND read_seq < $2
             ON CONFLICT DO NOTHING",
        )
        .bind(room)
        .bind(seq.cast_signed())
        .bind(by)
        .bind(users)
        .execute(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// A message that is gone mentions nobody; an edited one whom it mentions now.
    pub async fn forget_mentions(
        &self,
        room: RoomId,
        seq: u64,
        but: &[UserId],
        before: &[UserId],
    ) -> Result<(), Error> {
        let gone: Vec<UserId> = before.iter().copied().filter(|user| !but.contains(user)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let delete = sqlx::query("DELETE FROM room_mentions WHERE user_id = ANY($1) AND room_id = $2 AND seq = $3");
        delete.bind(gone).bind(room).bind(seq.cast_signed()).execute(self.db.pool()).await.map_err(fault)?;
        Ok(())
    }
}

const fn receipt(user: UserId, read: i64, delivered: i64) -> Receipt {
    Receipt { user, read_seq: read.cast_unsigned(), delivered_seq: delivered.cast_unsigned() }
}

fn marks(row: &Row, head: u64) -> Marks {
    let read_seq = row.read_seq.cast_unsigned();
    Marks {
        read_seq,
        delivered_seq: row.delivered_seq.cast_unsigned(),
        unread: head.saturating_sub(read_seq),
        mentions: row.mentions.cast_unsigned(),
    }
}
