//! Buckets in this process.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Allowance, Limiter, Rate};

/// Locks that keys are spread over.
const SHARDS: usize = 16;
/// Buckets that are not full, a shard. Past this, new keys are granted without being counted.
const BUCKETS_MAX: usize = 65_536;
/// A shard is not swept before it has this many.
const SWEEP_FROM: usize = 1_024;

/// Token buckets of this process alone.
///
/// A bucket is one number, the moment at which it will be full again (the "theoretical arrival time" of the generic
/// cell rate algorithm). A moment that has passed is a full bucket, so forgetting it changes nothing.
pub struct Local {
    start: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// Microseconds after `start`.
    full_at_us: HashMap<Box<str>, u64>,
    sweep_at: usize,
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Local {
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Takes a token, without waiting for anything.
    pub fn take_now(&self, key: &str, rate: Rate) -> Allowance {
        let now_us = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (interval_us, window_us) = (rate.interval_us(), rate.window_us());
        let mut shard = self.shard(key).lock();
        let full_at_us = shard.full_at_us.get(key).copied().unwrap_or(0).max(now_us);
        let then_us = full_at_us.saturating_add(interval_us);
        let owed_us = then_us - now_us;
        if owed_us > window_us {
            return Allowance::Refused { wait: Duration::from_micros(owed_us - window_us) };
        }
        shard.put(key, then_us, now_us);
        Allowance::Granted { left: u32::try_from((window_us - owed_us) / interval_us).unwrap_or(u32::MAX) }
    }

    fn shard(&self, key: &str) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}

impl Shard {
    fn put(&mut self, key: &str, full_at_us: u64, now_us: u64) {
        if let Some(bucket) = self.full_at_us.get_mut(key) {
            *bucket = full_at_us;
            return;
        }
        if self.full_at_us.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.full_at_us.retain(|_, full_at_us| *full_at_us > now_us);
            // Doubling keeps the cost of sweeping constant for each key put in.
            self.sweep_at = (self.full_at_us.len() * 2).min(BUCKETS_MAX);
        }
        if self.full_at_us.len() < BUCKETS_MAX {
            self.full_at_us.insert(key.into(), full_at_us);
        }
    }
}

#[async_trait]
impl Limiter for Local {
    async fn take(&self, key: &str, rate: Rate) -> Allowance {
        self.take_now(key, rate)
    }

    async fn reset(&self, key: &str) {
        self.shard(key).lock().full_at_us.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts buckets `keys` into `shard`, at moment `now_us`, each of them full at `full_at_us`.
    fn fill(shard: &mut Shard, keys: std::ops::Range<usize>, full_at_us: u64, now_us: u64) {
        for key in keys {
            shard.put(&key.to_string(), full_at_us, now_us);
        }
    }

    #[test]
    fn full_buckets_are_forgotten_when_a_shard_has_its_fill() {
        let mut shard = Shard::default();
        fill(&mut shard, 0..SWEEP_FROM, 10, 5);
        assert_eq!(shard.full_at_us.len(), SWEEP_FROM);
        fill(&mut shard, SWEEP_FROM..SWEEP_FROM + 1, 20, 10);
        assert_eq!(shard.full_at_us.len(), 1, "the one that was put in, all others being full again");
    }

    #[test]
    fn a_shard_of_buckets_in_use_is_swept_again_when_it_has_doubled() {
        let mut shard = Shard::default();
        fill(&mut shard, 0..SWEEP_FROM + 1, 10, 5);
        // Full again, and not looked at before there are twice as many as the last sweep left.
        fill(&mut shard, SWEEP_FROM + 1..2 * SWEEP_FROM, 20, 10);
        assert_eq!(shard.full_at_us.len(), 2 * SWEEP_FROM);
        fill(&mut shard, 2 * SWEEP_FROM..2 * SWEEP_FROM + 1, 20, 10);
        assert_eq!(shard.full_at_us.len(), SWEEP_FROM);
    }

    #[test]
    fn past_the_last_bucket_new_keys_are_granted_uncounted_and_old_ones_still_count() {
        let mut shard = Shard::default();
        for key in 0..=BUCKETS_MAX {
            shard.put(&key.to_string(), 10, 5);
        }
        assert_eq!(shard.full_at_us.len(), BUCKETS_MAX);
        shard.put("0", 11, 5);
        assert_eq!(shard.full_at_us.get("0"), Some(&11));
        assert_eq!(shard.full_at_us.get(BUCKETS_MAX.to_string().as_str()), None);
    }
}
