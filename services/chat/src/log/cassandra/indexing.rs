//! Telling the search index of messages that PostgreSQL's change stream does not see.
//!
//! A message is marked in PostgreSQL before it is written, so that none can be written and never indexed, and again when it can be
//! read. The second mark goes through the change stream, and the message is read by it. Where the second never
//! comes, because the writer died in between, the index sweeps up the first.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{RoomId, StoreError};
use postgres::Db;
use postgres::StoreResult;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use crate::documents::{self, MESSAGE};

/// Marks that wait to be written. Whoever comes when it is full waits (before a message), or leaves it to the sweep (after it).
const WAITING_MAX: usize = 4_096;
/// Marks in one statement.
const AT_ONCE: usize = 256;
/// Longest wait for a mark before a message is given up.
const MARK_WITHIN: Duration = Duration::from_secs(5);

/// Writes marks, those of many messages together.
#[derive(Debug, Clone)]
pub struct Indexing {
    queue: mpsc::Sender<Ask>,
}

/// One message's mark.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    id: Uuid,
    document: String,
}

#[derive(Debug)]
struct Ask {
    mark: Mark,
    /// Who waits for it; `None`: the message can be read.
    waits: Option<oneshot::Sender<bool>>,
}

impl Indexing {
    /// Marks are written into `db` as long as this, or a clone of it, is there.
    #[must_use]
    pub fn start(db: Db) -> Self {
        let (queue, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write(db, asked));
        Self { queue }
    }

    /// Returns when nothing can keep the index from hearing of the message, which is about to be written.
    pub(super) async fn before(&self, room: RoomId, seq: u64) -> StoreResult<Mark> {
        let mark = Mark { id: Uuid::now_v7(), document: documents::document_id(room, seq) };
        let (waits, marked) = oneshot::channel();
        let asked = async {
            self.queue.send(Ask { mark: mark.clone(), waits: Some(waits) }).await.ok()?;
            marked.await.ok()
        };
        match timeout(MARK_WITHIN, asked).await {
            Ok(Some(true)) => Ok(mark),
            _ => Err(StoreError::unavailable("a message could not be marked for the search index")),
        }
    }

    /// The message can be read, or the write has failed: either way the index has to look.
    pub(super) fn after(&self, mark: Mark) {
        if self.queue.try_send(Ask { mark, waits: None }).is_err() {
            tracing::debug!("a mark is left to the sweep");
        }
    }
}

async fn write(db: Db, mut asked: mpsc::Receiver<Ask>) {
    let mut asks = Vec::with_capacity(AT_ONCE);
    while asked.recv_many(&mut asks, AT_ONCE).await > 0 {
        // One statement must not name a row twice; the later says more.
        let marks: BTreeMap<Uuid, (String, bool)> =
            asks.iter().map(|ask| (ask.mark.id, (ask.mark.document.clone(), ask.waits.is_none()))).collect();
        let written = telemetry::timed("postgres", "chat.mark", insert(&db, marks)).await;
        if let Err(error) = &written {
            tracing::warn!(%error, "messages cannot be marked for the search index");
        }
        for ask in asks.drain(..) {
            // Who no longer waits has given up.
            let _ = ask.waits.map(|waits| waits.send(written.is_ok()));
        }
    }
}

async fn insert(db: &Db, marks: BTreeMap<Uuid, (String, bool)>) -> Result<(), sqlx::Error> {
    let (ids, marks): (Vec<Uuid>, Vec<(String, bool)>) = marks.into_iter().unzip();
    let (documents, ready): (Vec<String>, Vec<bool>) = marks.into_iter().unzip();
    sqlx::query(
        "INSERT INTO search_marks (id, kind, document, ready)
         SELECT id, $4, document, ready FROM unnest($1::uuid[], $2::text[], $3::boolean[]) mark (id, document, ready)
         ON CONFLICT (id) DO UPDATE SET ready = excluded.ready, marked_at = now()",
    )
    .bind(ids)
    .bind(documents)
    .bind(ready)
    .bind(MESSAGE.name())
    .execute(db.pool())
    .await
    .map(drop)
}
