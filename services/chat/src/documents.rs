//! Messages, as search finds them: for the members of their rooms.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use cdc::Change;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use index::pipeline::Mapping;
use index::{Document, Kind, Language, document};
use kernel::{RoomId, StoreError, Timestamp, UserId};
use postgres::{StoreResult, fault};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::log::{LogError, Message, MessageLog, Span};

pub const MESSAGE: Kind = Kind::new("message");

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
        MESSAGE
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
        .persistent(false)
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
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }
}

/// Makes the same documents of a log outside of PostgreSQL, whose writers mark what they write.
pub struct Logged(pub Arc<dyn MessageLog>);

/// Reads that run at once, each of a message or of some that follow one another.
const READS_AT_ONCE: usize = 32;
/// Rooms whose messages are scanned together.
const ROOMS_AT_ONCE: i64 = 100;

fn logged(message: Message) -> Option<Document> {
    let Message { room, seq, body } = message;
    let sender = body.sender.filter(|_| !body.is_deleted())?;
    let (room_id, seq) = (room, seq.cast_signed());
    Some(Row { room_id, seq, sender, text: body.text, created_at: body.created_at }.into())
}

fn store(error: LogError) -> StoreError {
    match error {
        LogError::Store(error) => error,
        other => StoreError::unavailable(other),
    }
}

/// Messages of one room whose numbers follow one another, at most as many as a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub room: RoomId,
    pub first: u64,
    pub length: u64,
}

/// Sorted messages as runs.
pub(crate) fn runs(sorted: &[(RoomId, u64)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (room, seq) in sorted.iter().copied() {
        match runs.last_mut() {
            Some(run) if run.room == room && run.first + run.length == seq && run.length < Span::LENGTH_MAX => {
                run.length += 1;
            }
            _ => runs.push(Run { room, first: seq, length: 1 }),
        }
    }
    runs
}

impl Logged {
    async fn run(&self, Run { room, first, length }: Run) -> Result<Vec<Message>, LogError> {
        if length == 1 {
            return Ok(self.0.get(room, first).await?.into_iter().collect());
        }
        let mut page = self.0.page(room, Span::After(first.saturating_sub(1)), length).await?;
        // A page ends before a number that may still be filled; what comes after it may be there all the same.
        for seq in first + page.len() as u64..first + length {
            page.extend(self.0.get(room, seq).await?);
        }
        Ok(page)
    }
}

#[async_trait]
impl Mapping for Logged {
    fn kind(&self) -> Kind {
        MESSAGE
    }

    /// Another one than that of [`Messages`]: where the log moves, the index is built anew.
    fn revision(&self) -> u32 {
        1_001
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn touched(&self, _: &Change) -> Vec<String> {
        Vec::new()
    }

    fn between(&self, first: &str, last: &str) -> Vec<String> {
        match (message_of(first), message_of(last)) {
            (Some((room, first)), Some((_, last))) => (first..=last).map(|seq| document_id(room, seq)).collect(),
            _ => Vec::new(),
        }
    }

    async fn onward(&self, document: &str, limit: usize) -> StoreResult<Vec<String>> {
        let Some((room, seq)) = message_of(document) else { return Ok(Vec::new()) };
        let page = self.0.page(room, Span::After(seq), limit as u64).await.map_err(store)?;
        Ok(page.into_iter().map(|message| document_id(message.room, message.seq)).collect())
    }

    async fn load(&self, _: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let mut wanted: Vec<(RoomId, u64)> = ids.iter().filter_map(|id| message_of(id)).collect();
        wanted.sort_unstable();
        let read = stream::iter(runs(&wanted)).map(|run| self.run(run)).buffer_unordered(READS_AT_ONCE);
        let found: Vec<Vec<Message>> = read.try_collect().await.map_err(store)?;
        Ok(found.into_iter().flatten().filter_map(logged).collect())
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let limit = usize::try_from(limit).map_err(StoreError::broken)?;
        let mut found = Vec::with_capacity(limit);
        // The rest of the room that was left off in, then the rooms behind it.
        let mut open: VecDeque<(RoomId, u64)> = after.and_then(message_of).into_iter().collect();
        let mut last = open.front().map_or(Uuid::nil(), |(room, _)| room.uuid());
        loop {
            let Some((room, mut seq)) = open.pop_front() else {
                let rooms: Vec<RoomId> = sqlx::query_scalar("SELECT id FROM rooms WHERE id > $1 ORDER BY id LIMIT $2")
                    .bind(last)
                    .bind(ROOMS_AT_ONCE)
                    .persistent(false)
                    .fetch_all(&mut *at)
                    .await
                    .map_err(fault)?;
                let Some(end) = rooms.last() else { return Ok(found) };
                last = end.uuid();
                open.extend(rooms.into_iter().map(|room| (room, 0)));
                continue;
            };
            loop {
                let page = self.0.page(room, Span::After(seq), Span::LENGTH_MAX).await.map_err(store)?;
                let Some(end) = page.last() else { break };
                seq = end.seq;
                found.extend(page.into_iter().filter_map(logged));
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_with_a_gap_a_room_and_a_page() {
        let [one, other] = [1, 2].map(|ms| RoomId::new(Timestamp::from_millis(ms)));
        let sorted = [(one, 1), (one, 2), (one, 4), (other, 5)];
        let run = |room, first, length| Run { room, first, length };
        assert_eq!(runs(&sorted), [run(one, 1, 2), run(one, 4, 1), run(other, 5, 1)]);
        let long: Vec<(RoomId, u64)> = (1..=Span::LENGTH_MAX + 1).map(|seq| (one, seq)).collect();
        assert_eq!(runs(&long), [run(one, 1, Span::LENGTH_MAX), run(one, Span::LENGTH_MAX + 1, 1)]);
    }

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
