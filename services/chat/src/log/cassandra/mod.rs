//! The message log in Cassandra.
//!
//! A message takes two plain writes at once: its row, and the key that remembers which number the client's id got. Those of a short
//! message are one request, which messages that come at the same time share. Its number comes from a [`Sequencer`], which keeps the
//! whole message until both are known to be written. From this follows what happens when things break:
//!
//! - **A writer dies after its number was given.** The reservation stays pending. The sender's repeat, the next reader that
//!   meets the hole, or the next writer that is told `stalled` writes the same rows again: same number, same message, same
//!   write timestamp, so that it does not matter who comes first or how often.
//! - **The sequencer's memory is lost.** No number is given for [`LEASE`]. A writer that took longer than that from its
//!   number to its writes does not acknowledge, so whatever was acknowledged can be read when the lease is over. Then the head
//!   is read back. Numbers below it that are missing (they lie among the last [`PENDING_MAX`]) are voided by a condition:
//!   a writer that comes even later finds itself void. Keys of the last rows are written again, because a row may have been
//!   written and its key not.
//! - **A zombie writes after all**, under a number that was given again: the row holds the whole message in one cell, and the later
//!   reservation has the later timestamp, so the row is the later message, whole. Edits, deletions and voids carry the store's
//!   own, still later, timestamps ([`super::super::sequencer::STAMP_SET_BACK`]).

mod heal;
mod indexing;
mod reactions;
mod read;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{RoomId, StoreError, Timestamp, UserId};
use telemetry::timed;
use tokio::time::Instant;

pub use self::indexing::Indexing;
use self::statements::Statements;
use super::{
    Appended, Body, Draft, Head, LogError, LookedUp, Message, MessageLog, Reacted, Reaction, Span, Tally, Unsettled,
};
use crate::sequencer::{Key, Known, LEASE, Moment, PENDING_MAX, Reservation, Reserve, Sequencer, is_recent};

/// Messages in one partition: 2^14.
const BUCKET_BITS: u32 = 14;
/// How long a client's id is remembered, in seconds: 30 days.
pub const KEY_TTL_S: i32 = 30 * 24 * 3600;
/// Longest that a writer waits in a room that has as many pending messages as it may have.
const FULL_WAIT_MAX: Duration = Duration::from_secs(2);
const FULL_POLL: Duration = Duration::from_millis(10);
/// A writer that waits looks every so often whether somebody has died.
const HEAL_EVERY: u32 = 25;
/// How often a writer starts over when it is told to look again.
const ATTEMPTS_MAX: u32 = 8;
/// Locks that keep the nodes' own tasks from seeding one room all at once.
const HEALERS: usize = 64;

const _: () = assert!(cassandra::REQUEST_TIMEOUT.as_millis() < LEASE.as_millis());
const _: () = assert!(PENDING_MAX < 1 << BUCKET_BITS);

/// The message log in Cassandra.
pub struct Cassandra {
    db: cassandra::Db,
    sequencer: Arc<dyn Sequencer>,
    statements: Statements,
    indexing: Option<Indexing>,
    healers: [tokio::sync::Mutex<()>; HEALERS],
}

pub(super) fn bucket(seq: u64) -> i32 {
    i32::try_from(seq >> BUCKET_BITS).unwrap_or(i32::MAX)
}

pub(super) const fn bigint(seq: u64) -> i64 {
    seq.cast_signed()
}

impl Cassandra {
    /// Prepares the log's statements; the tables must be there ([`cassandra::Db::migrate`]).
    pub async fn open(db: cassandra::Db, sequencer: Arc<dyn Sequencer>) -> Result<Arc<Self>, StoreError> {
        Self::open_indexed(db, sequencer, None).await
    }

    /// Like [`Cassandra::open`]; the search index is told of all messages.
    pub async fn open_indexed(
        db: cassandra::Db,
        sequencer: Arc<dyn Sequencer>,
        indexing: Option<Indexing>,
    ) -> Result<Arc<Self>, StoreError> {
        let statements = Statements::prepare(&db).await?;
        Ok(Arc::new(Self {
            db,
            sequencer,
            statements,
            indexing,
            healers: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }))
    }

    /// Writes a reservation's rows and settles it. Any number of writers may do so for one reservation.
    async fn finish(&self, reservation: &Reservation) -> Result<(), LogError> {
        self.write(reservation).await?;
        self.settle_or_warn(&reservation.key, reservation.seq, reservation.stamp).await;
        Ok(())
    }

    async fn settle_or_warn(&self, key: &Key, seq: u64, stamp: i64) {
        if let Err(error) = self.sequencer.settle(key, seq, stamp).await {
            tracing::debug!(%error, room = %key.room, seq, "a message is written, and stays pending for a while");
        }
    }

    /// Writes a reservation's rows, and leaves it pending.
    async fn write(&self, reservation: &Reservation) -> Result<(), LogError> {
        let write = async {
            let mark = match &self.indexing {
                Some(indexing) => Some((indexing, indexing.before(reservation.key.room, reservation.seq).await?)),
                None => None,
            };
            self.write_rows(reservation).await?;
            if let Some((indexing, mark)) = mark {
                indexing.after(mark);
            }
            Ok(())
        };
        // Whatever happened to the rows, the reservation is pending and may yet be finished by others.
        write.await.map_err(unknown)
    }

    async fn write_rows(&self, reservation: &Reservation) -> Result<(), StoreError> {
        let Reservation { key, seq, stamp, payload } = reservation;
        let row = (key.room.uuid(), bucket(*seq), bigint(*seq), payload.clone(), *stamp);
        let key_row = (key.room.uuid(), key.sender.uuid(), key.client_id, bigint(*seq), KEY_TTL_S, *stamp);
        let (insert, insert_key) = (&self.statements.insert, &self.statements.insert_key);
        if payload.len() <= cassandra::SMALL_BYTES_MAX {
            let row = cassandra::Write::new(insert, row, payload.len());
            self.db.write_small(vec![row, cassandra::Write::new(insert_key, key_row, 0)]).await
        } else {
            tokio::try_join!(self.db.write(insert, row), self.db.write(insert_key, key_row)).map(drop)
        }
    }

    async fn append_once(&self, key: Key, looked_up: LookedUp, payload: &str) -> Result<Step, LogError> {
        let done = |appended| Ok(Step::Done(Box::new(appended)));
        let repeated = |message| done(Appended { message, duplicate: true, gate: None, unsettled: None });
        if let Some(message) = looked_up.found {
            return repeated(*message);
        }
        let known = Known { looked_up: looked_up.at, gate: looked_up.gate };
        let asked = Instant::now();
        match self.sequencer.reserve(&key, payload, known).await? {
            Reserve::Given { seq, stamp, stalled, gate } => {
                let reservation = Reservation { key, seq, stamp, payload: payload.to_owned() };
                self.write(&reservation).await?;
                if asked.elapsed() >= LEASE {
                    return Err(unknown(StoreError::unavailable("the writes took longer than the lease")));
                }
                if stalled {
                    self.heal_or_warn(key.room).await;
                }
                let message = read::message(key.room, seq, Some(payload), None)?;
                let mut unsettled = Some(Unsettled { key, stamp });
                if !self.sequencer.is_in_order() {
                    self.settle_or_warn(&key, seq, stamp).await;
                    unsettled = None;
                }
                done(Appended { message, duplicate: false, gate: Some(gate), unsettled })
            }
            Reserve::Pending(first) => {
                self.finish(&first).await?;
                if asked.elapsed() >= LEASE {
                    return Err(unknown(StoreError::unavailable("the writes took longer than the lease")));
                }
                let message = read::message(key.room, first.seq, Some(&first.payload), None)?;
                repeated(message)
            }
            Reserve::Settled { seq } => match self.get(key.room, seq).await? {
                Some(message) => repeated(message),
                None => Err(StoreError::broken("a settled message is not there").into()),
            },
            Reserve::Unseeded => {
                self.heal(key.room).await?;
                Ok(Step::Again)
            }
            Reserve::Stale => Ok(Step::Again),
            Reserve::Moved => Err(LogError::Moved),
            Reserve::Full => Ok(Step::Full),
            Reserve::Resting(wait) => Err(LogError::Resting(wait)),
        }
    }
}

enum Step {
    Done(Box<Appended>),
    Again,
    Full,
}

/// Once a number was given, no failure is a certain one.
fn unknown(error: StoreError) -> LogError {
    LogError::Store(match error {
        StoreError::Unavailable(why) => StoreError::Unknown(why),
        other => other,
    })
}

#[async_trait]
impl MessageLog for Cassandra {
    fn now(&self, room: RoomId) -> Option<Moment> {
        self.sequencer.now(room)
    }

    async fn look_up(&self, key: &Key, made_after: Option<Moment>) -> Result<LookedUp, LogError> {
        let at = self.sequencer.now(key.room);
        // Whether the sequencer agrees, it says with the number.
        if let Some(moment) = made_after.filter(|moment| at.is_some_and(|now| is_recent(*moment, now))) {
            return Ok(LookedUp { found: None, at: Some(moment), gate: None });
        }
        let found = timed("cassandra", "chat.look_up", self.find(key)).await?;
        Ok(LookedUp { found: found.map(Box::new), at, gate: None })
    }

    async fn append_new(&self, draft: Draft, looked_up: LookedUp) -> Result<Appended, LogError> {
        let (key, room) = (draft.key(), draft.room);
        let payload = serde_json::to_string(&Body::of(draft)).map_err(StoreError::broken)?;
        let give_up = Instant::now() + FULL_WAIT_MAX;
        let (mut attempts, mut waits) = (0, 0_u32);
        let (gate, mut looked_up) = (looked_up.gate, looked_up);
        loop {
            let appended = self.append_once(key, looked_up.clone(), &payload);
            match Box::pin(timed("cassandra", "chat.append", appended)).await? {
                Step::Done(appended) => return Ok(*appended),
                Step::Again => {
                    attempts += 1;
                    looked_up = LookedUp { gate, ..self.look_up(&key, None).await? };
                }
                Step::Full if Instant::now() < give_up => {
                    if waits.is_multiple_of(HEAL_EVERY) {
                        self.heal(room).await?;
                    }
                    waits += 1;
                    tokio::time::sleep(FULL_POLL).await;
                }
                Step::Full => return Err(LogError::Full),
            }
            if attempts == ATTEMPTS_MAX {
                return Err(StoreError::unavailable("the sequencer is not to be settled with").into());
            }
        }
    }

    async fn settle(&self, appended: &Appended) {
        if let Some(Unsettled { key, stamp }) = &appended.unsettled {
            self.settle_or_warn(key, appended.message.seq, *stamp).await;
        }
    }

    async fn move_gate(&self, room: RoomId) -> Result<(), LogError> {
        // What this is said of is committed.
        self.sequencer.move_gate(room).await.map_err(unknown)
    }

    async fn page(&self, room: RoomId, span: Span, length: u64) -> Result<Vec<Message>, LogError> {
        timed("cassandra", "chat.page", self.read_page(room, span, length.min(Span::LENGTH_MAX))).await
    }

    async fn get(&self, room: RoomId, seq: u64) -> Result<Option<Message>, LogError> {
        timed("cassandra", "chat.get", self.read_one(room, seq)).await
    }

    async fn replace(&self, message: &Message) -> Result<bool, LogError> {
        let body = serde_json::to_string(&message.body).map_err(StoreError::broken)?;
        let version = i32::try_from(message.body.version).map_err(StoreError::broken)?;
        // The first version is written without a condition, and has none to compare.
        let before = (version > 2).then_some(version - 1);
        let values = (body, version, message.room.uuid(), bucket(message.seq), bigint(message.seq), before);
        let mark = match &self.indexing {
            Some(indexing) => Some((indexing, indexing.before_change(message.room, message.seq).await?)),
            None => None,
        };
        let replaced = timed("cassandra", "chat.replace", self.db.write_if(&self.statements.replace, values)).await?;
        if let Some((indexing, mark)) = mark {
            indexing.after(mark);
        }
        Ok(replaced)
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, LogError> {
        timed("cassandra", "chat.heads", self.read_heads(rooms)).await
    }

    async fn latest(&self, heads: &[(RoomId, u64)]) -> Result<Vec<Option<Message>>, LogError> {
        timed("cassandra", "chat.latest", self.read_latest(heads)).await
    }

    async fn react(&self, reaction: &Reaction) -> Result<Reacted, LogError> {
        timed("cassandra", "chat.react", self.add_reaction(reaction)).await
    }

    async fn unreact(&self, reaction: &Reaction) -> Result<bool, LogError> {
        timed("cassandra", "chat.unreact", self.remove_reaction(reaction)).await
    }

    async fn tallies(&self, room: RoomId, first: u64, last: u64, viewer: UserId) -> Result<Vec<Tally>, LogError> {
        timed("cassandra", "chat.tallies", self.read_tallies(room, first, last, viewer)).await
    }

    async fn reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, LogError> {
        timed("cassandra", "chat.reactors", self.read_reactors(room, seq, emoji, after, limit)).await
    }
}
