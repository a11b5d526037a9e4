//! Who gets which sequence number, where the store itself cannot say.

pub mod local;
pub mod redis;

use std::time::Duration;

use async_trait::async_trait;
use kernel::{RoomId, StoreError, UserId};
pub use schemas::chat::Moment;
use uuid::Uuid;

use crate::log::Head;

/// Numbers of one room that may be given and not yet settled. A number is given only while all that lie this far below
/// it are settled, so whatever is missing after a loss of memory is among a room's last ones.
pub const PENDING_MAX: u64 = 64;
/// After a loss of memory no number is given for so long. Nobody acknowledges a message later than this after having
/// asked for its number, so nobody acknowledges one whose number the new memory does not know.
pub const LEASE: Duration = Duration::from_secs(5);
/// How long a settled message's key is remembered. Whoever looked a key up in the store longer than half of it ago, or while
/// a memory rested, must look again before a number is given.
pub const KEEP: Duration = Duration::from_secs(30);
/// A number that is pending for so long belongs to somebody slow or dead: others finish the message.
pub const STALLED_AFTER: Duration = Duration::from_secs(1);
/// Write timestamps are set back by so much, so that what is written later under the store's own clock (an edit, a
/// void) wins over a first write, even when the two clocks differ.
pub const STAMP_SET_BACK: Duration = Duration::from_secs(600);
/// A room that nobody wrote to for so long is forgotten, and read back from the store when it wakes.
pub const IDLE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// What makes two drafts the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub room: RoomId,
    pub sender: UserId,
    pub client_id: Uuid,
}

/// Who may speak in a room is asked of other stores. This changes whenever somebody no longer may: an answer that was asked for
/// after a gate had been seen is true for as long as the gate stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gate(pub u64);

/// What is known of a message before it gets a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// A moment ([`Sequencer::now`]) from which on the key was not in the store. Without one it is as good as long ago.
    pub looked_up: Option<Moment>,
    /// The gate under which its sender may speak. Without one, nobody asks.
    pub gate: Option<Gate>,
}

/// Whether it may be said at `now` that a key was looked up at `moment`.
#[must_use]
pub fn is_recent(moment: Moment, now: Moment) -> bool {
    let age = Duration::from_millis(now.millis.saturating_sub(moment.millis));
    moment.memory == now.memory && age <= KEEP / 2
}

/// A number that was given, and everything that it takes to write its message: anybody can finish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub key: Key,
    pub seq: u64,
    /// Write timestamp of its rows, in microseconds; higher than that of any earlier reservation of the room.
    pub stamp: i64,
    /// The serialised message.
    pub payload: String,
}

/// The answer to [`Sequencer::reserve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserve {
    /// The number is the caller's. `stalled`: the room's lowest pending number belongs to somebody slow or dead.
    Given { seq: u64, stamp: i64, stalled: bool, gate: Gate },
    /// The key got this number before, and its message is not known to be written.
    Pending(Reservation),
    /// The key got this number before, and its message is written.
    Settled { seq: u64 },
    /// The room is not known: seed it.
    Unseeded,
    /// The memory is new: nothing is given until the wait is over.
    Resting(Duration),
    /// [`PENDING_MAX`] numbers of the room are pending.
    Full,
    /// `looked_up` lies too far back, or in another memory.
    Stale,
    /// The gate is another: whether the sender may speak must be asked again.
    Moved,
}

/// What is known of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Known {
        /// The highest number given.
        head: u64,
        /// In ascending order, with the time since each was given.
        pending: Vec<(Reservation, Duration)>,
    },
    Unseeded,
    Resting(Duration),
}

/// Gives the numbers. Implementations: [`local`] in this process, for a single node, and [`redis`] for several.
///
/// MUSTs, each a case of the conformance suite:
/// - The numbers of a room rise by one, from the seeded head, and none is given twice within one memory.
/// - A key that is pending, or was settled within [`KEEP`], gets its first number again.
/// - What is pending stays known, whole, until it is settled; settling is idempotent, and takes back only the reservation
///   of that stamp.
/// - A room's gate changes when it is moved and when the room is seeded, and never becomes what it was.
/// - A memory that was lost shows: it rests for [`LEASE`], then its rooms are unseeded, and what was looked up before that is stale.
#[async_trait]
pub trait Sequencer: Send + Sync {
    /// By the clock of the room's memory; never later than the true time. `None` while nothing is known of that clock.
    fn now(&self, room: RoomId) -> Option<Moment>;

    async fn reserve(&self, key: &Key, payload: &str, known: Known) -> Result<Reserve, StoreError>;

    /// From now on, no number is given under the gate of before.
    async fn move_gate(&self, room: RoomId) -> Result<(), StoreError>;

    async fn settle(&self, key: &Key, seq: u64, stamp: i64) -> Result<(), StoreError>;

    /// Whether an event that is published by the same link to Redis is heard after what [`Sequencer::settle`] did, if that was begun before.
    fn is_in_order(&self) -> bool {
        true
    }

    async fn standing(&self, room: RoomId) -> Result<Standing, StoreError>;

    /// For each room, the number up to which all are settled, and since when; `None` where that is not known.
    async fn settled(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError>;

    /// Says where a room stands, from the store. Ignored when the room is known already.
    async fn seed(&self, room: RoomId, head: Head) -> Result<(), StoreError>;
}
