//! Every statement of the log, prepared once.

use kernel::StoreError;
use scylla::statement::prepared::PreparedStatement;

pub(super) struct Statements {
    pub insert: PreparedStatement,
    pub insert_key: PreparedStatement,
    pub find_key: PreparedStatement,
    pub void: PreparedStatement,
    pub replace: PreparedStatement,
    pub one: PreparedStatement,
    pub range: PreparedStatement,
    pub newest_of_rooms: PreparedStatement,
    pub react: PreparedStatement,
    pub unreact: PreparedStatement,
    pub reacted: PreparedStatement,
    pub tally: PreparedStatement,
    pub mine: PreparedStatement,
    pub reactors: PreparedStatement,
    pub reactors_after: PreparedStatement,
}

impl Statements {
    pub async fn prepare(db: &cassandra::Db) -> Result<Self, StoreError> {
        Ok(Self {
            insert: db
                .prepare("INSERT INTO messages (room, bucket, seq, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?")
                .await?,
            insert_key: db
                .prepare(
                    "INSERT INTO message_keys (room, sender, client_id, seq) VALUES (?, ?, ?, ?)
                     USING TTL ? AND TIMESTAMP ?",
                )
                .await?,
            find_key: db
                .prepare("SELECT seq FROM message_keys WHERE room = ? AND sender = ? AND client_id = ?")
                .await?,
            void: db
                .prepare("INSERT INTO messages (room, bucket, seq, void) VALUES (?, ?, ?, true) IF NOT EXISTS")
                .await?,
            replace: db
                .prepare(
                    "UPDATE messages SET body = ?, version = ? WHERE room = ? AND bucket = ? AND seq = ?
                     IF version = ?",
                )
                .await?,
            one: db.prepare("SELECT body, void FROM messages WHERE room = ? AND bucket = ? AND seq = ?").await?,
            range: db
                .prepare("SELECT seq, body, void FROM messages WHERE room = ? AND bucket = ? AND seq >= ? AND seq <= ?")
                .await?,
            newest_of_rooms: db
                .prepare(
                    "SELECT room, seq, body, void FROM messages WHERE room IN ? AND bucket = ? PER PARTITION LIMIT 1",
                )
                .await?,
            react: db
                .prepare("INSERT INTO reactions (room, slice, seq, emoji, user_id, at) VALUES (?, ?, ?, ?, ?, ?)")
                .await?,
            unreact: db
                .prepare("DELETE FROM reactions WHERE room = ? AND slice = ? AND seq = ? AND emoji = ? AND user_id = ?")
                .await?,
            reacted: db
                .prepare(
                    "SELECT emoji FROM reactions
                     WHERE room = ? AND slice = ? AND seq = ? AND emoji = ? AND user_id = ?",
                )
                .await?,
            tally: db
                .prepare(
                    "SELECT seq, emoji, count(*) FROM reactions WHERE room = ? AND slice = ? AND seq >= ? AND seq <= ?
                     GROUP BY seq, emoji",
                )
                .await?,
            mine: db
                .prepare("SELECT seq, emoji FROM reactions WHERE room = ? AND slice = ? AND (seq, emoji, user_id) IN ?")
                .await?,
            reactors: db
                .prepare(
                    "SELECT user_id, at FROM reactions WHERE room = ? AND slice = ? AND seq = ? AND emoji = ? LIMIT ?",
                )
                .await?,
            reactors_after: db
                .prepare(
                    "SELECT user_id, at FROM reactions
                     WHERE room = ? AND slice = ? AND seq = ? AND emoji = ? AND user_id > ? LIMIT ?",
                )
                .await?,
        })
    }
}
