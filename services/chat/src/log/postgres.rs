//! The message log in PostgreSQL.
//!
//! One statement appends: it raises the room's head, which serialises the room, and inserts the message under the new number. A
//! repeat finds its message instead and raises nothing; of two at once the second is refused by the unique key, takes its
//! raise back with it, and reads what the first has written.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{MessageId, RoomId, StoreError, Timestamp, UserId};
use postgres::{Db, fault};
use sqlx::FromRow;
use telemetry::timed;
use uuid::Uuid;

use super::{
    Appended, Body, Draft, EMOJI_PER_MESSAGE_MAX, Head, LogError, LookedUp, Message, MessageLog,
    REACTIONS_PER_MESSAGE_MAX, REACTIONS_PER_PERSON_MAX, Reacted, Reaction, Span, Tally,
};
use crate::sequencer::{Key, Moment};

/// The constraint that keeps a client's id unique.
const CLIENT_ID_KEY: &str = "messages_client_id_key";

/// The message log in PostgreSQL.
pub struct Postgres {
    db: Db,
}

#[derive(FromRow)]
struct Row {
    room_id: RoomId,
    seq: i64,
    id: MessageId,
    sender: UserId,
    client_id: Uuid,
    text: String,
    reply_to: Option<i64>,
    mentions: Vec<UserId>,
    version: i32,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        let body = Body {
            id: row.id,
            sender: Some(row.sender),
            client_id: Some(row.client_id),
            text: row.text,
            reply_to: row.reply_to.map(i64::cast_unsigned),
            mentions: row.mentions,
            version: row.version.cast_unsigned(),
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
        };
        Self { room: row.room_id, seq: row.seq.cast_unsigned(), body }
    }
}

impl Postgres {
    #[must_use]
    pub fn new(db: Db) -> Arc<Self> {
        Arc::new(Self { db })
    }

    /// The new message, or `None` if its client id has one already.
    async fn insert(&self, draft: &Draft, body: &Body) -> Result<Option<Message>, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar(
            "WITH head AS (
                 INSERT INTO message_heads AS heads (room_id, last_seq, last_at)
                 SELECT $1, 1, $8
                 WHERE NOT EXISTS (SELECT FROM messages WHERE room_id = $1 AND sender = $3 AND client_id = $4)
                 ON CONFLICT (room_id) DO UPDATE
                 SET last_seq = heads.last_seq + 1, last_at = greatest(heads.last_at, $8)
                 RETURNING last_seq)
             INSERT INTO messages (room_id, seq, id, sender, client_id, text, reply_to, mentions, version, created_at)
             SELECT $1, last_seq, $2, $3, $4, $5, $6, $7, 1, $8 FROM head
             RETURNING seq",
        )
        .bind(draft.room)
        .bind(body.id)
        .bind(draft.sender)
        .bind(draft.client_id)
        .bind(&body.text)
        .bind(body.reply_to.map(u64::cast_signed))
        .bind(&body.mentions)
        .bind(body.created_at)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(seq.map(|seq| Message { room: draft.room, seq: seq.cast_unsigned(), body: body.clone() }))
    }

    async fn find(&self, draft: &Draft) -> Result<Message, StoreError> {
        let row: Row = sqlx::query_as(
            "SELECT room_id, seq, id, sender, client_id, text, reply_to, mentions, version, created_at, edited_at,
                    deleted_at
             FROM messages WHERE room_id = $1 AND sender = $2 AND client_id = $3",
        )
        .bind(draft.room)
        .bind(draft.sender)
        .bind(draft.client_id)
        .fetch_one(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(row.into())
    }

    async fn range(&self, room: RoomId, first: u64, last: u64) -> Result<Vec<Message>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT room_id, seq, id, sender, client_id, text, reply_to, mentions, version, created_at, edited_at,
                    deleted_at
             FROM messages WHERE room_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq",
        )
        .bind(room)
        .bind(first.min(i64::MAX as u64).cast_signed())
        .bind(last.min(i64::MAX as u64).cast_signed())
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Message::from).collect())
    }

    async fn add_reaction(&self, reaction: &Reaction) -> Result<Reacted, StoreError> {
        let mut tx = self.db.begin().await?;
        // The message's row is the lock under which its reactions are counted.
        sqlx::query("SELECT FROM messages WHERE room_id = $1 AND seq = $2 FOR NO KEY UPDATE")
            .bind(reaction.room)
            .bind(reaction.seq.cast_signed())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let (total, kinds, mine, is_known, is_there): (i64, i64, i64, bool, bool) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT emoji), count(*) FILTER (WHERE user_id = $3),
                    coalesce(bool_or(emoji = $4), false), coalesce(bool_or(emoji = $4 AND user_id = $3), false)
             FROM message_reactions WHERE room_id = $1 AND seq = $2",
        )
        .bind(reaction.room)
        .bind(reaction.seq.cast_signed())
        .bind(reaction.user)
        .bind(&reaction.emoji)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
        if is_there {
            return Ok(Reacted::Unchanged);
        }
        if mine >= REACTIONS_PER_PERSON_MAX as i64 {
            return Ok(Reacted::TooManyOfPerson);
        }
        if (!is_known && kinds >= EMOJI_PER_MESSAGE_MAX as i64) || total >= REACTIONS_PER_MESSAGE_MAX.cast_signed() {
            return Ok(Reacted::TooManyOfMessage);
        }
        sqlx::query("INSERT INTO message_reactions (room_id, seq, emoji, user_id, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(reaction.room)
            .bind(reaction.seq.cast_signed())
            .bind(&reaction.emoji)
            .bind(reaction.user)
            .bind(reaction.at)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(Reacted::Added)
    }
}

#[async_trait]
impl MessageLog for Postgres {
    fn now(&self, _: RoomId) -> Option<Moment> {
        None
    }

    /// Appending looks by itself.
    async fn look_up(&self, _: &Key, _: Option<Moment>) -> Result<LookedUp, LogError> {
        Ok(LookedUp::default())
    }

    async fn append_new(&self, draft: Draft, _: LookedUp) -> Result<Appended, LogError> {
        let body = Body::of(draft.clone());
        match timed("postgres", "chat.append", self.insert(&draft, &body)).await {
            Ok(Some(message)) => Ok(Appended { message, duplicate: false, gate: None, unsettled: None }),
            Ok(None) => {
                Ok(Appended { message: self.find(&draft).await?, duplicate: true, gate: None, unsettled: None })
            }
            Err(StoreError::Constraint(name)) if name == CLIENT_ID_KEY => {
                Ok(Appended { message: self.find(&draft).await?, duplicate: true, gate: None, unsettled: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Nobody has seen a gate of this log: each sender is asked about anew.
    async fn move_gate(&self, _: RoomId) -> Result<(), LogError> {
        Ok(())
    }

    async fn page(&self, room: RoomId, span: Span, length: u64) -> Result<Vec<Message>, LogError> {
        let length = length.min(Span::LENGTH_MAX);
        let head = match span {
            Span::Latest => self.heads(&[room]).await?.first().map_or(0, |head| head.seq),
            _ => 0,
        };
        let (first, last) = span.range(head, length);
        // No farther than the length: what is appended meanwhile is no part of this page.
        let last = last.unwrap_or(head);
        Ok(timed("postgres", "chat.page", self.range(room, first, last)).await?)
    }

    async fn get(&self, room: RoomId, seq: u64) -> Result<Option<Message>, LogError> {
        Ok(timed("postgres", "chat.get", self.range(room, seq, seq)).await?.pop())
    }

    async fn replace(&self, message: &Message) -> Result<bool, LogError> {
        let body = &message.body;
        let replace = sqlx::query(
            "UPDATE messages SET text = $4, mentions = $5, version = $3, edited_at = $6, deleted_at = $7
             WHERE room_id = $1 AND seq = $2 AND version = $3 - 1",
        )
        .bind(message.room)
        .bind(message.seq.cast_signed())
        .bind(body.version.cast_signed())
        .bind(&body.text)
        .bind(&body.mentions)
        .bind(body.edited_at)
        .bind(body.deleted_at)
        .execute(self.db.pool());
        let done = timed("postgres", "chat.replace", replace).await.map_err(fault)?;
        Ok(done.rows_affected() == 1)
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, LogError> {
        let read = sqlx::query_as("SELECT room_id, last_seq, last_at FROM message_heads WHERE room_id = ANY($1)")
            .bind(rooms)
            .fetch_all(self.db.pool());
        let rows: Vec<(RoomId, i64, Timestamp)> = timed("postgres", "chat.heads", read).await.map_err(fault)?;
        let heads: HashMap<RoomId, Head> =
            rows.into_iter().map(|(room, seq, at)| (room, Head { seq: seq.cast_unsigned(), at })).collect();
        Ok(rooms.iter().map(|room| heads.get(room).copied().unwrap_or_default()).collect())
    }

    async fn latest(&self, heads: &[(RoomId, u64)]) -> Result<Vec<Option<Message>>, LogError> {
        let (rooms, seqs): (Vec<RoomId>, Vec<i64>) = heads.iter().map(|(room, seq)| (*room, seq.cast_signed())).unzip();
        let read = sqlx::query_as(
            "SELECT m.room_id, m.seq, m.id, m.sender, m.client_id, m.text, m.reply_to, m.mentions, m.version,
                    m.created_at, m.edited_at, m.deleted_at
             FROM unnest($1::uuid[], $2::bigint[]) AS head (room_id, seq)
             JOIN messages m ON m.room_id = head.room_id AND m.seq = head.seq",
        )
        .bind(&rooms)
        .bind(&seqs)
        .fetch_all(self.db.pool());
        let rows: Vec<Row> = timed("postgres", "chat.latest", read).await.map_err(fault)?;
        let mut latest: HashMap<RoomId, Message> =
            rows.into_iter().map(Message::from).map(|message| (message.room, message)).collect();
        Ok(rooms.iter().map(|room| latest.remove(room)).collect())
    }

    async fn react(&self, reaction: &Reaction) -> Result<Reacted, LogError> {
        Ok(timed("postgres", "chat.react", self.add_reaction(reaction)).await?)
    }

    async fn unreact(&self, reaction: &Reaction) -> Result<bool, LogError> {
        let delete = sqlx::query(
            "DELETE FROM message_reactions WHERE room_id = $1 AND seq = $2 AND emoji = $3 AND user_id = $4",
        )
        .bind(reaction.room)
        .bind(reaction.seq.cast_signed())
        .bind(&reaction.emoji)
        .bind(reaction.user)
        .execute(self.db.pool());
        Ok(timed("postgres", "chat.unreact", delete).await.map_err(fault)?.rows_affected() == 1)
    }

    async fn tallies(&self, room: RoomId, first: u64, last: u64, viewer: UserId) -> Result<Vec<Tally>, LogError> {
        let read = sqlx::query_as(
            "SELECT seq, emoji, count(*), bool_or(user_id = $4) FROM message_reactions
             WHERE room_id = $1 AND seq BETWEEN $2 AND $3 GROUP BY seq, emoji ORDER BY seq, emoji",
        )
        .bind(room)
        .bind(first.cast_signed())
        .bind(last.cast_signed())
        .bind(viewer)
        .fetch_all(self.db.pool());
        let rows: Vec<(i64, String, i64, bool)> = timed("postgres", "chat.tallies", read).await.map_err(fault)?;
        let tally = |(seq, emoji, count, mine): (i64, String, i64, bool)| Tally {
            seq: seq.cast_unsigned(),
            emoji,
            count: count.cast_unsigned(),
            mine,
        };
        Ok(rows.into_iter().map(tally).collect())
    }

    async fn reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, LogError> {
        let read = sqlx::query_as(
            "SELECT user_id, at FROM message_reactions
             WHERE room_id = $1 AND seq = $2 AND emoji = $3 AND ($4::uuid IS NULL OR user_id > $4)
             ORDER BY user_id LIMIT $5",
        )
        .bind(room)
        .bind(seq.cast_signed())
        .bind(emoji)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.pool());
        Ok(timed("postgres", "chat.reactors", read).await.map_err(fault)?)
    }
}
