//! Sequence numbers in this process, for a node that is alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use kernel::{Clock, RoomId, StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log::Head;

use super::{
    Gate, KEEP, Key, Known, Moment, PENDING_MAX, Reservation, Reserve, STALLED_AFTER, STAMP_SET_BACK, Sequencer,
    Standing, is_recent,
};

/// Rooms that are remembered. Beyond it, those that were idle for [`KEEP`] are forgotten.
const ROOMS_MAX: usize = 100_000;

/// One memory of sequence numbers. Dropping it is losing it.
///
/// It does not rest at first: the memory before it died with its process, and the dead acknowledge nothing.
#[derive(Debug)]
pub struct Local {
    clock: Clock,
    /// Where [`Moment`]s are counted from.
    start: Instant,
    /// Tells its moments from those of any other memory.
    id: u64,
    rooms: Mutex<HashMap<RoomId, Room>>,
    /// The last gate of any room.
    gates: AtomicU64,
}

#[derive(Debug)]
struct Room {
    head: u64,
    gate: Gate,
    /// When a number was last settled.
    at: Timestamp,
    stamp: i64,
    pending: BTreeMap<u64, (Reservation, Instant)>,
    /// Number by key; with the time when it was settled, once it was.
    keys: HashMap<(UserId, Uuid), (u64, Option<Instant>)>,
    used: Instant,
    /// When settled keys were last looked through for old ones.
    swept: Instant,
}

impl Room {
    fn new(head: Head, gate: Gate, now: Instant) -> Self {
        Self {
            head: head.seq,
            gate,
            at: head.at,
            stamp: 0,
            pending: BTreeMap::new(),
            keys: HashMap::new(),
            used: now,
            swept: now,
        }
    }

    fn settled(&self) -> u64 {
        self.pending.keys().next().map_or(self.head, |lowest| lowest - 1)
    }

    fn sweep(&mut self, now: Instant) {
        self.used = now;
        if now - self.swept >= KEEP {
            self.swept = now;
            self.keys.retain(|_, (_, settled)| settled.is_none_or(|at| now - at < KEEP));
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.pending.is_empty() && now - self.used >= KEEP
    }
}

impl Local {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            start: Instant::now(),
            id: Uuid::now_v7().as_u64_pair().1,
            rooms: Mutex::default(),
            gates: AtomicU64::new(0),
        }
    }

    fn new_gate(&self) -> Gate {
        Gate(self.gates.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn moment(&self, now: Instant) -> Option<Moment> {
        let millis = (now - self.start).as_millis().try_into().ok()?;
        Some(Moment { millis, memory: self.id })
    }
}

#[async_trait]
impl Sequencer for Local {
    fn now(&self, _: RoomId) -> Option<Moment> {
        self.moment(Instant::now())
    }

    async fn reserve(&self, key: &Key, payload: &str, known: Known) -> Result<Reserve, StoreError> {
        let now = Instant::now();
        let is_recent = known.looked_up.zip(self.moment(now)).is_some_and(|(moment, now)| is_recent(moment, now));
        let clock_us = self.clock.now().minus(STAMP_SET_BACK).as_millis().saturating_mul(1_000);
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get_mut(&key.room) else { return Ok(Reserve::Unseeded) };
        room.sweep(now);
        if known.gate.is_some_and(|gate| gate != room.gate) {
            return Ok(Reserve::Moved);
        }
        if let Some((seq, _)) = room.keys.get(&(key.sender, key.client_id)) {
            return Ok(match room.pending.get(seq) {
                Some((reservation, _)) => Reserve::Pending(reservation.clone()),
                None => Reserve::Settled { seq: *seq },
            });
        }
        if !is_recent {
            return Ok(Reserve::Stale);
        }
        if room.head >= room.settled() + PENDING_MAX {
            return Ok(Reserve::Full);
        }
        let stalled = room.pending.values().next().is_some_and(|(_, given)| now - *given > STALLED_AFTER);
        room.head += 1;
        room.stamp = (room.stamp + 1).max(clock_us);
        let (seq, stamp) = (room.head, room.stamp);
        room.keys.insert((key.sender, key.client_id), (seq, None));
        room.pending.insert(seq, (Reservation { key: *key, seq, stamp, payload: payload.to_owned() }, now));
        Ok(Reserve::Given { seq, stamp, stalled, gate: room.gate })
    }

    async fn move_gate(&self, room: RoomId) -> Result<(), StoreError> {
        if let Some(room) = self.rooms.lock().get_mut(&room) {
            room.gate = self.new_gate();
        }
        Ok(())
    }

    async fn settle(&self, key: &Key, seq: u64, stamp: i64) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get_mut(&key.room) else { return Ok(()) };
        if room.pending.get(&seq).is_some_and(|(reservation, _)| reservation.stamp == stamp) {
            room.pending.remove(&seq);
            room.at = room.at.max(self.clock.now());
            room.keys.insert((key.sender, key.client_id), (seq, Some(now)));
        }
        Ok(())
    }

    async fn standing(&self, room: RoomId) -> Result<Standing, StoreError> {
        let now = Instant::now();
        Ok(match self.rooms.lock().get(&room) {
            None => Standing::Unseeded,
            Some(room) => Standing::Known {
                head: room.head,
                pending: room.pending.values().map(|(one, given)| (one.clone(), now - *given)).collect(),
            },
        })
    }

    async fn settled(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        let known = self.rooms.lock();
        let head = |room: &Room| Head { seq: room.settled(), at: room.at };
        Ok(rooms.iter().map(|room| known.get(room).map(head)).collect())
    }

    async fn seed(&self, room: RoomId, head: Head) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&room) {
            rooms.retain(|_, room| !room.is_idle(now));
        }
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&room) {
            return Err(StoreError::unavailable("too many rooms are being written to at once"));
        }
        rooms.entry(room).or_insert_with(|| Room::new(head, self.new_gate(), now));
        Ok(())
    }
}
