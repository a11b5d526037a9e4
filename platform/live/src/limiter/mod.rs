//! Rate limits: token buckets by key, shared by all nodes when Redis is configured.

mod local;
mod redis;

use std::time::Duration;

use async_trait::async_trait;

pub use local::Local;
pub use redis::OverRedis;

/// `burst` at once, refilled evenly over `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub per: Duration,
}

impl Rate {
    #[must_use]
    pub const fn new(burst: u32, per: Duration) -> Self {
        Self { burst, per }
    }

    /// The time in which one token grows back; at least a microsecond, and a bucket of none counts as a bucket of one.
    fn interval_us(self) -> u64 {
        let per_us = u64::try_from(self.per.as_micros()).unwrap_or(u64::MAX);
        (per_us / u64::from(self.burst.max(1))).max(1)
    }

    /// The time in which an empty bucket fills.
    fn window_us(self) -> u64 {
        self.interval_us().saturating_mul(u64::from(self.burst.max(1)))
    }
}

/// The answer of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Taken; so many are left.
    Granted { left: u32 },
    /// Empty; a token is there after this wait.
    Refused { wait: Duration },
}

/// Token buckets. Implementations: [`Local`] in this process, and [`OverRedis`], a script on Redis.
///
/// MUSTs, each a case of the conformance suite:
/// - A bucket that was never used, or not for `per`, grants exactly `burst` at once, and one more each `per / burst`.
/// - Takers at the same time never get more than the bucket holds.
/// - A wait that is told is enough, and is not longer than `per`.
/// - A store that does not answer refuses nobody: limits protect, they do not fail requests.
/// - Full buckets take no room.
#[async_trait]
pub trait Limiter: Send + Sync {
    async fn take(&self, key: &str, rate: Rate) -> Allowance;

    /// Gives the bucket its tokens back, as after a successful log-in.
    async fn reset(&self, key: &str);
}
