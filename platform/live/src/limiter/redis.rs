//! Buckets on Redis, shared by all nodes.

use std::time::Duration;

use ::redis::{Redis, Script};
use async_trait::async_trait;
use fred::interfaces::KeysInterface;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Allowance, Limiter, Local, Rate};

/// A limit is not worth a longer wait, unless told otherwise.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);
/// After Redis failed to answer, it is left alone for so long.
const ALONE_FOR: Duration = Duration::from_secs(1);

/// One key is one bucket, as in [`Local`]: the microsecond at which it is full again, by Redis's own clock, so that
/// nodes need not agree on the time. It expires when the bucket is full.
///
/// Answers the tokens left, or minus the wait in microseconds.
static TAKE: Script = Script::new(
    r"
    local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
    local owed = full_at + interval - now
    if owed > window then
        return window - owed
    end
    redis.call('SET', KEYS[1], string.format('%.0f', full_at + interval), 'PX', math.ceil(owed / 1000))
    return math.floor((window - owed) / interval)
    ",
);

/// Token buckets that all nodes share. While Redis does not answer, each node counts for itself.
pub struct OverRedis {
    redis: Redis,
    prefix: String,
    answer_within: Duration,
    own: Local,
    alone_until: Mutex<Option<Instant>>,
}

impl OverRedis {
    /// Keys are called `prefix`, `limit:` and the limit's key.
    pub fn new(redis: Redis, prefix: impl Into<String>) -> Self {
        let answer_within = ANSWER_WITHIN;
        Self { redis, prefix: prefix.into(), answer_within, own: Local::new(), alone_until: Mutex::new(None) }
    }

    /// Waits so long for an answer before it counts alone.
    #[must_use]
    pub const fn waiting(mut self, answer_within: Duration) -> Self {
        self.answer_within = answer_within;
        self
    }

    fn key(&self, key: &str) -> String {
        format!("{}limit:{key}", self.prefix)
    }

    fn is_alone(&self) -> bool {
        self.alone_until.lock().is_some_and(|until| until > Instant::now())
    }

    async fn ask(&self, key: &str, rate: Rate) -> Option<i64> {
        if self.is_alone() {
            return None;
        }
        let numbers = [rate.interval_us(), rate.window_us()].map(|number| number.to_string());
        let asked = self.redis.run(&TAKE, self.key(key), numbers.to_vec());
        let answer = tokio::time::timeout(self.answer_within, telemetry::timed("redis", "limit.take", asked)).await;
        match answer {
            Ok(Ok(left)) => return Some(left),
            Ok(Err(error)) => tracing::warn!(%error, "rate limits are counted by this node alone"),
            Err(_) => tracing::warn!("rate limits are counted by this node alone: Redis does not answer in time"),
        }
        *self.alone_until.lock() = Some(Instant::now() + ALONE_FOR);
        None
    }
}

#[async_trait]
impl Limiter for OverRedis {
    async fn take(&self, key: &str, rate: Rate) -> Allowance {
        match self.ask(key, rate).await {
            None => self.own.take_now(key, rate),
            Some(left) if left >= 0 => Allowance::Granted { left: u32::try_from(left).unwrap_or(u32::MAX) },
            Some(wait_us) => Allowance::Refused { wait: Duration::from_micros(wait_us.unsigned_abs()) },
        }
    }

    async fn reset(&self, key: &str) {
        self.own.reset(key).await;
        let forgotten = self.redis.commands().del::<(), _>(self.key(key));
        if !matches!(tokio::time::timeout(self.answer_within, forgotten).await, Ok(Ok(()))) {
            tracing::warn!("a rate limit could not be reset; it refills by itself");
        }
    }
}
