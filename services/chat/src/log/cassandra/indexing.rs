//! Telling the search index of messages that PostgreSQL's change stream does not see.
//!
//! Before a message is written, a mark stands in PostgreSQL, so that none can be written and never indexed; when it can be read, a
//! second mark tells of it, goes through the change stream, and the message is read by it. Where the second never comes,
//! because the writer died in between, the index sweeps up the first.
//!
//! Nobody waits for the second one: those of a moment are written together, so that the index reads a room's messages in one go.
//!
//! The first mark speaks of a room from a number on, so that messages of a room that is being talked in find it there and wait for
//! nothing. It stands for [`STANDS_FOR`]; then the next takes its place, and it goes when all that was written under it was told of.
//! A change of an old message gets a mark of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kernel::{RoomId, StoreError};
use parking_lot::Mutex;
use postgres::{Db, StoreResult};
use telemetry::timed;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::documents::{self, MESSAGE};

/// Marks that wait to be written. Whoever comes when it is full waits (before a message), or leaves it to the sweep (after it).
const WAITING_MAX: usize = 4_096;
/// Marks in one statement.
const AT_ONCE: usize = 256;
/// How long the second mark of a message waits for those of others.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Longest wait for a mark before a message is given up.
const MARK_WITHIN: Duration = Duration::from_secs(5);
/// How long messages are written under one mark. With the longest write it stays far below the minute after which the sweep
/// takes a mark for one that was left.
const STANDS_FOR: Duration = Duration::from_secs(20);
/// How often the marks of rooms that fell silent are taken away.
const TIDY_EVERY: Duration = Duration::from_secs(5);
/// Rooms whose marks are remembered. The messages of further rooms have a mark each.
const ROOMS_MAX: usize = 50_000;

type Rooms = Mutex<HashMap<RoomId, Arc<Standing>>>;

/// Writes marks, those of many messages together.
#[derive(Clone)]
pub struct Indexing {
    queue: mpsc::Sender<Ask>,
    rooms: Arc<Rooms>,
}

/// A mark for all messages of a room after a number.
struct Standing {
    id: Uuid,
    after: u64,
    made: Instant,
    written: OnceCell<()>,
    /// Something may have been written under it that nobody told of: it stays for the sweep.
    is_left: AtomicBool,
    queue: mpsc::Sender<Ask>,
}

impl Drop for Standing {
    fn drop(&mut self) {
        if self.written.initialized() && !self.is_left.load(Ordering::Acquire) {
            // A mark that stays has the sweep look once for nothing.
            let _ = self.queue.try_send(Ask::Done(self.id));
        }
    }
}

/// What is about to be written. Dropped without [`Indexing::after`], it is left to the sweep.
pub(super) struct Mark {
    id: Uuid,
    document: String,
    under: Option<Under>,
}

/// The use of a standing mark by one message.
struct Under {
    standing: Arc<Standing>,
    is_told: bool,
}

impl Drop for Under {
    fn drop(&mut self) {
        if !self.is_told {
            self.standing.is_left.store(true, Ordering::Release);
        }
    }
}

enum Ask {
    /// A row that must be there before anything is written.
    Warn { row: Row, waits: oneshot::Sender<bool> },
    /// A message can be read.
    Tell { row: Row, under: Option<Under> },
    /// Everything that a standing mark spoke of was told.
    Done(Uuid),
}

struct Row {
    id: Uuid,
    document: String,
    is_onward: bool,
}

impl Indexing {
    /// Marks are written into `db` as long as this, or a clone of it, is there.
    #[must_use]
    pub fn start(db: Db) -> Self {
        let (queue, asked) = mpsc::channel(WAITING_MAX);
        let rooms = Arc::<Rooms>::default();
        tokio::spawn(write(db, asked, Arc::downgrade(&rooms)));
        Self { queue, rooms }
    }

    /// Returns when nothing can keep the index from hearing of the new message that is about to be written.
    pub(super) async fn before(&self, room: RoomId, seq: u64) -> StoreResult<Mark> {
        let standing = self.standing(room, seq);
        let row = || Row { id: standing.id, document: documents::document_id(room, standing.after), is_onward: true };
        standing.written.get_or_try_init(|| self.warn(row())).await?;
        let under = Some(Under { standing, is_told: false });
        Ok(Mark { id: Uuid::now_v7(), document: documents::document_id(room, seq), under })
    }

    /// [`Indexing::before`], for a change of a message that has been there.
    pub(super) async fn before_change(&self, room: RoomId, seq: u64) -> StoreResult<Mark> {
        let mark = Mark { id: Uuid::now_v7(), document: documents::document_id(room, seq), under: None };
        self.warn(Row { id: mark.id, document: mark.document.clone(), is_onward: false }).await?;
        Ok(mark)
    }

    /// The message can be read.
    pub(super) fn after(&self, mark: Mark) {
        let Mark { id, document, under } = mark;
        if self.queue.try_send(Ask::Tell { row: Row { id, document, is_onward: false }, under }).is_err() {
            tracing::debug!("a mark is left to the sweep");
        }
    }

    /// The room's mark, if it covers the number and is young; else a new one in its place.
    fn standing(&self, room: RoomId, seq: u64) -> Arc<Standing> {
        let mut rooms = self.rooms.lock();
        if let Some(standing) = rooms.get(&room)
            && standing.after < seq
            && standing.is_young()
        {
            return Arc::clone(standing);
        }
        let standing = Arc::new(Standing {
            id: Uuid::now_v7(),
            after: seq.saturating_sub(1),
            made: Instant::now(),
            written: OnceCell::new(),
            is_left: AtomicBool::new(false),
            queue: self.queue.clone(),
        });
        if rooms.len() < ROOMS_MAX || rooms.contains_key(&room) {
            rooms.insert(room, Arc::clone(&standing));
        }
        standing
    }

    async fn warn(&self, row: Row) -> StoreResult<()> {
        let (waits, warned) = oneshot::channel();
        let asked = async {
            self.queue.send(Ask::Warn { row, waits }).await.ok()?;
            warned.await.ok()
        };
        match timeout(MARK_WITHIN, asked).await {
            Ok(Some(true)) => Ok(()),
            _ => Err(StoreError::unavailable("a message could not be marked for the search index")),
        }
    }
}

impl Standing {
    fn is_young(&self) -> bool {
        self.made.elapsed() < STANDS_FOR
    }
}

async fn write(db: Db, mut asked: mpsc::Receiver<Ask>, rooms: Weak<Rooms>) {
    let mut asks = Vec::with_capacity(AT_ONCE);
    let mut tidy = interval(TIDY_EVERY);
    let mut tell = interval(TELL_EVERY);
    for ticks in [&mut tidy, &mut tell] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let room = AT_ONCE - asks.len();
        let is_due = tokio::select! {
            count = asked.recv_many(&mut asks, room) => {
                if count == 0 {
                    write_all(&db, &mut asks).await;
                    return;
                }
                asks.len() == AT_ONCE || asks.iter().any(Ask::is_awaited)
            }
            _ = tell.tick() => true,
            _ = tidy.tick() => {
                if let Some(rooms) = rooms.upgrade() {
                    rooms.lock().retain(|_, standing| standing.is_young());
                }
                false
            }
        };
        if is_due && !asks.is_empty() {
            write_all(&db, &mut asks).await;
        }
    }
}

impl Ask {
    const fn is_awaited(&self) -> bool {
        matches!(self, Self::Warn { .. })
    }
}

async fn write_all(db: &Db, asks: &mut Vec<Ask>) {
    // One statement must not name a row twice; the later says more.
    let mut rows: BTreeMap<Uuid, (&str, bool, bool)> = BTreeMap::new();
    let mut done = Vec::new();
    for ask in &*asks {
        let (row, is_ready) = match ask {
            Ask::Warn { row, .. } => (row, false),
            Ask::Tell { row, .. } => (row, true),
            Ask::Done(id) => {
                done.push(*id);
                continue;
            }
        };
        rows.insert(row.id, (&row.document, row.is_onward, is_ready));
    }
    let written = if rows.is_empty() { Ok(()) } else { timed("postgres", "chat.mark", insert(db, rows)).await };
    if let Err(error) = &written {
        tracing::warn!(%error, "messages cannot be marked for the search index");
    }
    let deleted = if done.is_empty() { Ok(()) } else { timed("postgres", "chat.unmark", delete(db, &done)).await };
    if let Err(error) = deleted {
        tracing::debug!(%error, "marks are left to the sweep");
    }
    for ask in asks.drain(..) {
        match ask {
            Ask::Warn { waits, .. } => {
                // Who no longer waits has given up.
                let _ = waits.send(written.is_ok());
            }
            Ask::Tell { under: Some(mut under), .. } => under.is_told = written.is_ok(),
            Ask::Tell { under: None, .. } | Ask::Done(_) => {}
        }
    }
}

async fn insert(db: &Db, rows: BTreeMap<Uuid, (&str, bool, bool)>) -> Result<(), sqlx::Error> {
    let (ids, rows): (Vec<Uuid>, Vec<(&str, bool, bool)>) = rows.into_iter().unzip();
    let documents: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let onward: Vec<bool> = rows.iter().map(|row| row.1).collect();
    let ready: Vec<bool> = rows.iter().map(|row| row.2).collect();
    sqlx::query(
        "INSERT INTO search_marks (id, kind, document, onward, ready)
         SELECT id, $5, document, onward, ready
         FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[]) mark (id, document, onward, ready)
         ON CONFLICT (id) DO UPDATE SET ready = excluded.ready, marked_at = now()",
    )
    .bind(ids)
    .bind(documents)
    .bind(onward)
    .bind(ready)
    .bind(MESSAGE.name())
    .execute(db.pool())
    .await
    .map(drop)
}

async fn delete(db: &Db, done: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM search_marks WHERE id = ANY($1)").bind(done).execute(db.pool()).await.map(drop)
}
