//! Telling the search index of messages that PostgreSQL's change stream does not see.
//!
//! Before a message is written, a mark stands in PostgreSQL, so that none can be written and never indexed; when it can be read, a
//! second mark tells of it, goes through the change stream, and the message is read by it. Where the second never comes,
//! because the writer died in between, the index sweeps up the first.
//!
//! Nobody waits for the second one: those of a moment are written together, one for all messages of a room that follow one another,
//! and the index reads these in one go. So what indexing costs follows from how many rooms talk, more than from how much is said.
//!
//! The first mark speaks of a room from a number on, so that messages of a room that is being talked in find it there and wait for
//! nothing. It stands for [`STANDS_FOR`]; then the next takes its place, and it goes when all that was written under it was told of.
//! A change of an old message gets a mark of its own.

use std::collections::HashMap;
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

use crate::documents::{MESSAGE, Run, document_id, runs};

/// Marks that wait to be written. Whoever comes when it is full waits (before a message), or leaves it to the sweep (after it).
const WAITING_MAX: usize = 4_096;
/// Messages that are told of in one statement.
const AT_ONCE: usize = 2_048;
/// How long the second mark of a message waits for those of others.
const TELL_EVERY: Duration = Duration::from_secs(1);
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
    room: RoomId,
    seq: u64,
    first: First,
}

/// The mark that stands before anything is written.
enum First {
    /// That of the room.
    Standing(Under),
    /// The change's own, which becomes its second one.
    Own(Uuid),
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
    Tell(Mark),
    /// Everything that a standing mark spoke of was told.
    Done(Uuid),
}

#[derive(Default)]
struct Row {
    id: Uuid,
    document: String,
    /// The last document, if the mark speaks of several.
    last: Option<String>,
    is_onward: bool,
    is_ready: bool,
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
        let document = || document_id(room, standing.after);
        let row = || Row { id: standing.id, document: document(), is_onward: true, ..Row::default() };
        standing.written.get_or_try_init(|| self.warn(row())).await?;
        Ok(Mark { room, seq, first: First::Standing(Under { standing, is_told: false }) })
    }

    /// [`Indexing::before`], for a change of a message that has been there.
    pub(super) async fn before_change(&self, room: RoomId, seq: u64) -> StoreResult<Mark> {
        let id = Uuid::now_v7();
        self.warn(Row { id, document: document_id(room, seq), ..Row::default() }).await?;
        Ok(Mark { room, seq, first: First::Own(id) })
    }

    /// The message can be read.
    pub(super) fn after(&self, mark: Mark) {
        if self.queue.try_send(Ask::Tell(mark)).is_err() {
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
    let (mut asks, mut later) = (Vec::with_capacity(AT_ONCE), Later::default());
    let mut tidy = interval(TIDY_EVERY);
    let mut tell = interval(TELL_EVERY);
    for ticks in [&mut tidy, &mut tell] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let is_due = tokio::select! {
            count = asked.recv_many(&mut asks, AT_ONCE) => {
                if count == 0 {
                    later.write(&db).await;
                    return;
                }
                warn(&db, later.sort(&mut asks)).await;
                later.told.len() >= AT_ONCE
            }
            _ = tell.tick() => true,
            _ = tidy.tick() => {
                if let Some(rooms) = rooms.upgrade() {
                    rooms.lock().retain(|_, standing| standing.is_young());
                }
                false
            }
        };
        if is_due {
            later.write(&db).await;
        }
    }
}

/// Writes what is waited for.
async fn warn(db: &Db, warnings: Vec<(Row, oneshot::Sender<bool>)>) {
    if warnings.is_empty() {
        return;
    }
    let (rows, waiting): (Vec<Row>, Vec<_>) = warnings.into_iter().unzip();
    let is_written = insert(db, &rows).await;
    for waits in waiting {
        // Who no longer waits has given up.
        let _ = waits.send(is_written);
    }
}

/// What nobody waits for.
#[derive(Default)]
struct Later {
    told: Vec<Mark>,
    done: Vec<Uuid>,
}

impl Later {
    /// Keeps what can wait, and gives back what cannot.
    fn sort(&mut self, asks: &mut Vec<Ask>) -> Vec<(Row, oneshot::Sender<bool>)> {
        let mut warnings = Vec::new();
        for ask in asks.drain(..) {
            match ask {
                Ask::Warn { row, waits } => warnings.push((row, waits)),
                Ask::Tell(mark) => self.told.push(mark),
                Ask::Done(id) => self.done.push(id),
            }
        }
        warnings
    }

    async fn write(&mut self, db: &Db) {
        let mut told = std::mem::take(&mut self.told);
        if !told.is_empty() && insert(db, &ready(&told)).await {
            for mark in &mut told {
                if let First::Standing(under) = &mut mark.first {
                    under.is_told = true;
                }
            }
        }
        let done = std::mem::take(&mut self.done);
        if !done.is_empty()
            && let Err(error) = timed("postgres", "chat.unmark", delete(db, &done)).await
        {
            tracing::debug!(%error, "marks are left to the sweep");
        }
    }
}

/// The second marks: one for each change, and one for all new messages of a room that follow one another.
fn ready(told: &[Mark]) -> Vec<Row> {
    let (mut rows, mut new) = (Vec::new(), Vec::new());
    for mark in told {
        match mark.first {
            First::Standing(_) => new.push((mark.room, mark.seq)),
            First::Own(id) => {
                rows.push(Row { id, document: document_id(mark.room, mark.seq), is_ready: true, ..Row::default() });
            }
        }
    }
    new.sort_unstable();
    new.dedup();
    let new = runs(&new).into_iter().map(|Run { room, first, length }| Row {
        id: Uuid::now_v7(),
        document: document_id(room, first),
        last: (length > 1).then(|| document_id(room, first + length - 1)),
        is_ready: true,
        is_onward: false,
    });
    rows.extend(new);
    rows
}

/// Whether the rows are written. None may be there twice.
async fn insert(db: &Db, rows: &[Row]) -> bool {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let documents: Vec<&str> = rows.iter().map(|row| row.document.as_str()).collect();
    let last: Vec<Option<&str>> = rows.iter().map(|row| row.last.as_deref()).collect();
    let onward: Vec<bool> = rows.iter().map(|row| row.is_onward).collect();
    let ready: Vec<bool> = rows.iter().map(|row| row.is_ready).collect();
    let insert = sqlx::query(
        "INSERT INTO search_marks (id, kind, document, last, onward, ready)
         SELECT id, $6, document, last, onward, ready
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::boolean[])
              mark (id, document, last, onward, ready)
         ON CONFLICT (id) DO UPDATE SET ready = excluded.ready, marked_at = now()",
    )
    .bind(ids)
    .bind(documents)
    .bind(last)
    .bind(onward)
    .bind(ready)
    .bind(MESSAGE.name());
    match timed("postgres", "chat.mark", insert.execute(db.pool())).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "messages cannot be marked for the search index");
            false
        }
    }
}

async fn delete(db: &Db, done: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM search_marks WHERE id = ANY($1)").bind(done).execute(db.pool()).await.map(drop)
}
