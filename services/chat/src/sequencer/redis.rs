//! Sequence numbers in Redis, for several nodes.
//!
//! A room lives in one hash (where it stands in `room`, and each pending reservation under its number), its recent keys beside it. Each
//! shard of rooms has a marker, which names the memory that it belongs to: a server that was emptied has no marker, and one that was
//! restarted, restored, or failed over, also to itself, has another replication id (asked inside the script, from the very
//! server that decides). Either way the shard's memory is not what it was: it rests, and its rooms are seeded again. Redis must
//! not evict keys by itself (`maxmemory-policy noeviction`, its default).

use std::collections::BTreeMap;
use std::time::Duration;

use ::redis::{Batched, Numbers, Redis as Client, Script};
use async_trait::async_trait;
use futures_util::future::try_join_all;
use kernel::{RoomId, StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log::Head;

use super::{
    Gate, IDLE_MAX, KEEP, Key, Known, LEASE, Moment, PENDING_MAX, Reservation, Reserve, STALLED_AFTER, STAMP_SET_BACK,
    Sequencer, Standing,
};

/// Rooms fall into so many shards, so that a cluster of Redis servers can share them out by hash tag.
const SHARDS: u8 = 16;
/// A rest that is nearly as long as the lease has only just begun: the other shards may not know yet.
const JUST_BEGUN: Duration = LEASE.saturating_sub(Duration::from_millis(100));

/// A reading that is early by more than this, in milliseconds, is not early by its way alone.
const CLOCK_STEP_MS: u64 = 1_000;

/// What the scripts know, in milliseconds unless said otherwise.
const NUMBERS: Numbers = &[
    ("LEASE", LEASE.as_millis()),
    ("KEEP", KEEP.as_millis()),
    ("LOOKED_UP_MAX", KEEP.as_millis() / 2),
    ("IDLE_MAX", IDLE_MAX.as_millis()),
    ("STALLED_AFTER", STALLED_AFTER.as_millis()),
    // In microseconds.
    ("STAMP_SET_BACK", STAMP_SET_BACK.as_micros()),
    // Messages.
    ("PENDING_MAX", PENDING_MAX as u128),
];

macro_rules! lua {
    ($($part:literal),+) => { concat!($(include_str!(concat!("lua/", $part, ".lua"))),+) };
}

macro_rules! script {
    ($($part:literal),+) => { Script::new(concat!(::redis::server!(), lua!("moment", $($part),+))).with(NUMBERS) };
}

static REST: Script = script!("wake", "rest");
static SEED: Script = script!("wake", "room", "seed");
static STANDING: Script = script!("room", "standing");
static SETTLED: Script = script!("room", "settled");
static MOVE_GATE: Script = script!("room", "move_gate");
static RESERVE: Batched = Batched::new(lua!("moment", "room", "reserve"), 2, 4).with(NUMBERS);
static SETTLE: Batched = Batched::new(lua!("room", "settle"), 2, 2).with(NUMBERS);

/// Sequence numbers in a Redis server or cluster.
pub struct Redis {
    client: Client,
    prefix: Box<str>,
    clocks: [Mutex<Option<Reading>>; SHARDS as usize],
}

/// The newest that is known of a shard's clock.
#[derive(Debug, Clone, Copy)]
struct Reading {
    moment: Moment,
    /// When it arrived here.
    at: Instant,
}

impl Reading {
    /// What the clock shows now, or a little less.
    fn now(&self) -> Moment {
        let passed = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment { millis: self.moment.millis.saturating_add(passed), ..self.moment }
    }
}

impl Redis {
    /// `prefix` begins every key.
    ///
    /// Wakes every shard, so that a new memory begins to rest now, and not when the first message is sent.
    pub async fn open(client: Client, prefix: &str) -> Result<Self, StoreError> {
        let sequencer = Self { client, prefix: prefix.into(), clocks: std::array::from_fn(|_| Mutex::default()) };
        sequencer.rest().await?;
        Ok(sequencer)
    }

    /// Waits until numbers are given, so that a node with a new memory does not begin by refusing messages.
    pub async fn rested(&self) -> Result<(), StoreError> {
        loop {
            let wait = self.rest().await?;
            if wait.is_zero() {
                return Ok(());
            }
            tracing::info!(wait_ms = wait.as_millis(), "the memory of sequence numbers is new, and rests");
            tokio::time::sleep(wait).await;
        }
    }

    /// How long this memory rests, zero when it gives numbers.
    pub async fn rest(&self) -> Result<Duration, StoreError> {
        let rests = try_join_all((0..SHARDS).map(|shard| self.rest_of(shard))).await?;
        Ok(rests.into_iter().max().unwrap_or_default())
    }

    /// How long one shard rests.
    async fn rest_of(&self, shard: u8) -> Result<Duration, StoreError> {
        let answer: Vec<String> = self.client.run(&REST, vec![self.marker(shard)], nothing()).await?;
        self.read_clock(shard, &answer)?;
        wait(&answer, 1)
    }

    /// How long this memory rests before a room that it does not know can be seeded.
    async fn rest_before(&self, room: RoomId) -> Result<Duration, StoreError> {
        let wait = self.rest_of(shard(room)).await?;
        if wait > JUST_BEGUN {
            self.rest().await?;
        }
        Ok(wait)
    }

    fn marker(&self, shard: u8) -> String {
        format!("{}{{seq{shard}}}", self.prefix)
    }

    fn room(&self, room: RoomId) -> String {
        format!("{}:{}", self.marker(shard(room)), room.uuid().simple())
    }

    fn key(&self, key: &Key) -> String {
        format!("{}:{}:{}", self.room(key.room), key.sender.uuid().simple(), key.client_id.simple())
    }

    /// Runs a script whose answer begins with a moment.
    async fn run(
        &self,
        room: RoomId,
        script: &Script,
        keys: Vec<String>,
        args: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let answer: Vec<String> = self.client.run(script, keys, args).await?;
        self.read_clock(shard(room), &answer)?;
        Ok(answer)
    }

    /// Every answer begins with the moment of the script.
    fn read_clock(&self, shard: u8, answer: &[String]) -> Result<(), StoreError> {
        let moment: Moment = word(answer, 0)?.parse().map_err(StoreError::broken)?;
        let mut clock = self.clocks[usize::from(shard)].lock();
        // Of two readings the later one is closer: both are early by the way back of their answers. One that is far
        // too early comes from a clock that was set back.
        let is_better = clock.is_none_or(|known| {
            let expected = known.now();
            moment.memory != expected.memory
                || moment.millis >= expected.millis
                || moment.millis + CLOCK_STEP_MS < expected.millis
        });
        if is_better {
            *clock = Some(Reading { moment, at: Instant::now() });
        }
        Ok(())
    }
}

#[async_trait]
impl Sequencer for Redis {
    fn now(&self, room: RoomId) -> Option<Moment> {
        self.clocks[usize::from(shard(room))].lock().as_ref().map(Reading::now)
    }

    async fn reserve(&self, key: &Key, payload: &str, known: Known) -> Result<Reserve, StoreError> {
        let args = [
            known.looked_up.map_or_else(String::new, |moment| moment.to_string()),
            format!("{}|{}", key.sender.uuid().simple(), key.client_id.simple()),
            payload.to_owned(),
            known.gate.map_or_else(String::new, |gate| gate.0.to_string()),
        ];
        let keys = vec![self.room(key.room), self.key(key)];
        let answer: Vec<String> = self.client.run_batched(&RESERVE, keys, args).await?;
        self.read_clock(shard(key.room), &answer)?;
        Ok(match word(&answer, 1)? {
            "given" => Reserve::Given {
                seq: number(&answer, 2)?,
                stamp: number(&answer, 3)?,
                stalled: word(&answer, 4)? == "1",
                gate: Gate(number(&answer, 5)?),
            },
            "pending" => Reserve::Pending(reservation(key.room, number(&answer, 2)?, word(&answer, 3)?)?.0),
            "settled" => Reserve::Settled { seq: number(&answer, 2)? },
            "full" => Reserve::Full,
            "stale" => Reserve::Stale,
            "moved" => Reserve::Moved,
            "unknown" => match self.rest_before(key.room).await? {
                Duration::ZERO => Reserve::Unseeded,
                wait => Reserve::Resting(wait),
            },
            other => return Err(unexpected(other)),
        })
    }

    async fn move_gate(&self, room: RoomId) -> Result<(), StoreError> {
        self.run(room, &MOVE_GATE, vec![self.room(room)], nothing()).await.map(drop)
    }

    async fn settle(&self, key: &Key, seq: u64, stamp: i64) -> Result<(), StoreError> {
        let args = [seq.to_string(), stamp.to_string()];
        self.client.run_batched::<()>(&SETTLE, vec![self.room(key.room), self.key(key)], args).await
    }

    /// One server carries calls out in the order in which they are made; a cluster has a server for each shard.
    fn is_in_order(&self) -> bool {
        !self.client.is_cluster()
    }

    async fn standing(&self, room: RoomId) -> Result<Standing, StoreError> {
        let answer = self.run(room, &STANDING, vec![self.room(room)], nothing()).await?;
        Ok(match word(&answer, 1)? {
            "known" => {
                let now: Moment = word(&answer, 0)?.parse().map_err(StoreError::broken)?;
                let mut pending = BTreeMap::new();
                for pair in answer[3..].chunks_exact(2) {
                    let seq = number(pair, 0)?;
                    let (reservation, given) = reservation(room, seq, &pair[1])?;
                    let age = Duration::from_millis(now.millis.saturating_sub(given));
                    pending.insert(seq, (reservation, age));
                }
                Standing::Known { head: number(&answer, 2)?, pending: pending.into_values().collect() }
            }
            "unknown" => match self.rest_before(room).await? {
                Duration::ZERO => Standing::Unseeded,
                wait => Standing::Resting(wait),
            },
            other => return Err(unexpected(other)),
        })
    }

    async fn settled(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        let mut by_shard: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (place, room) in rooms.iter().enumerate() {
            by_shard.entry(shard(*room)).or_default().push(place);
        }
        let mut scripts = JoinSet::new();
        for places in by_shard.into_values() {
            let keys: Vec<String> = places.iter().map(|place| self.room(rooms[*place])).collect();
            let client = self.client.clone();
            scripts.spawn(async move { (places, client.run::<Vec<String>>(&SETTLED, keys, nothing()).await) });
        }
        let mut settled = vec![None; rooms.len()];
        while let Some(answer) = scripts.join_next().await {
            let (places, answer) = answer.map_err(StoreError::broken)?;
            let answer = answer?;
            for (n, place) in places.into_iter().enumerate() {
                if !word(&answer, 2 * n + 1)?.is_empty() {
                    let at = Timestamp::from_millis(number(&answer, 2 * n + 2)?);
                    settled[place] = Some(Head { seq: number(&answer, 2 * n + 1)?, at });
                }
            }
        }
        Ok(settled)
    }

    async fn seed(&self, room: RoomId, head: Head) -> Result<(), StoreError> {
        let args = vec![head.seq.to_string(), head.at.as_millis().to_string()];
        self.run(room, &SEED, vec![self.marker(shard(room)), self.room(room)], args).await.map(drop)
    }
}

/// The last digits of a UUIDv7 are random.
fn shard(room: RoomId) -> u8 {
    room.uuid().as_bytes()[15] % SHARDS
}

fn nothing() -> Vec<String> {
    Vec::new()
}

/// `stamp|given|sender|client|payload`, as `reserve.lua` writes it; with the moment when it was given.
fn reservation(room: RoomId, seq: u64, text: &str) -> Result<(Reservation, u64), StoreError> {
    let mut parts = text.splitn(5, '|');
    let mut next = || parts.next().ok_or_else(|| unexpected(text));
    let (stamp, given, sender, client_id, payload) = (next()?, next()?, next()?, next()?, next()?);
    let uuid = |text: &str| Uuid::try_parse(text).map_err(StoreError::broken);
    let key = Key { room, sender: UserId::from_uuid(uuid(sender)?), client_id: uuid(client_id)? };
    let stamp = stamp.parse().map_err(StoreError::broken)?;
    let given = given.parse().map_err(StoreError::broken)?;
    Ok((Reservation { key, seq, stamp, payload: payload.to_owned() }, given))
}

fn word(answer: &[String], place: usize) -> Result<&str, StoreError> {
    answer.get(place).map(String::as_str).ok_or_else(|| unexpected("too little"))
}

fn number<T: std::str::FromStr>(answer: &[String], place: usize) -> Result<T, StoreError> {
    word(answer, place)?.parse().map_err(|_| unexpected(&answer[place]))
}

fn wait(answer: &[String], place: usize) -> Result<Duration, StoreError> {
    number(answer, place).map(Duration::from_millis)
}

fn unexpected(what: &str) -> StoreError {
    StoreError::broken(format!("a sequencer script answered {what:?}"))
}
