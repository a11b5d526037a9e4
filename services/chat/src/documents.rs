//! Messages, as search finds them: for the members of their rooms.

use async_trait::async_trait;
use cdc::Change;
use index::pipeline::Mapping;
use index::{Document, Kind, Language, document};
use kernel::{RoomId, Timestamp, UserId};
use postgres::{StoreResult, fault};
use sqlx::PgConnection;
use uuid::Uuid;

/// Makes a document of every message of the log in PostgreSQL that is not deleted. Its id is the room's and its number: see
/// [`document_id`].
#[derive(Debug, Clone, Copy)]
pub struct Messages;

/// The id of a message's document. Ids sort as rooms and numbers do.
#[must_use]
pub fn document_id(room: RoomId, seq: u64) -> String {
    format!("{room}.{seq:020}")
}

/// The message that a document is made of.
#[must_use]
pub fn message_of(id: &str) -> Option<(RoomId, u64)> {
    let (room, seq) = id.split_once('.')?;
    Some((room.parse().ok()?, seq.parse().ok()?))
}

/// The audience of a room's messages: its members.
#[must_use]
pub fn audience(room: RoomId) -> String {
    format!("room:{}", room.uuid())
}

#[derive(sqlx::FromRow)]
struct Row {
    room_id: RoomId,
    seq: i64,
    sender: UserId,
    text: String,
    created_at: Timestamp,
}

impl From<Row> for Document {
    fn from(row: Row) -> Self {
        let text = document::cut(&row.text, document::TEXT_BYTES_MAX).to_owned();
        Self {
            id: document_id(row.room_id, row.seq.cast_unsigned()),
            names: Vec::new(),
            language: Language::detect(&text),
            text,
            tags: Vec::new(),
            author: Some(row.sender.uuid()),
            audience: audience(row.room_id),
            place: None,
            popularity: 0.0,
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl Mapping for Messages {
    fn kind(&self) -> Kind {
        Kind::new("message")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["messages"]
    }

    fn touched(&self, change: &Change) -> Vec<String> {
        let room = change.text("room_id").and_then(|room| Uuid::parse_str(room).ok());
        let seq = change.text("seq").and_then(|seq| seq.parse().ok());
        room.zip(seq).map(|(room, seq)| document_id(RoomId::from_uuid(room), seq)).into_iter().collect()
    }

    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let (rooms, seqs): (Vec<RoomId>, Vec<i64>) =
            ids.iter().filter_map(|id| message_of(id)).map(|(room, seq)| (room, seq.cast_signed())).unzip();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT room_id, messages.seq, sender, text, created_at
             FROM unnest($1::uuid[], $2::bigint[]) asked (room, seq)
             JOIN messages ON room_id = asked.room AND messages.seq = asked.seq
             WHERE deleted_at IS NULL",
        )
        .bind(rooms)
        .bind(seqs)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let (room, seq) = after.and_then(message_of).unwrap_or((RoomId::from_uuid(Uuid::nil()), 0));
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT room_id, seq, sender, text, created_at FROM messages
             WHERE (room_id, seq) > ($1, $2) AND deleted_at IS NULL ORDER BY room_id, seq LIMIT $3",
        )
        .bind(room)
        .bind(seq.cast_signed())
        .bind(limit)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_rooms_and_numbers_do_and_come_back() {
        let [first, second] = [1, 2].map(|ms| RoomId::new(Timestamp::from_millis(ms)));
        let ids = [(first, 9), (first, 10), (first, u64::MAX), (second, 1)].map(|(room, seq)| document_id(room, seq));
        assert!(ids.is_sorted());
        assert_eq!(message_of(&ids[1]), Some((first, 10)));
        for none in ["", ".", "room_1.2", &ids[0][1..]] {
            assert_eq!(message_of(none), None, "{none}");
        }
    }
}
