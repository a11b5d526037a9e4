//! Rate limits: token buckets by key, shared by all nodes when Redis is configured.

use std::time::Duration;

use async_trait::async_trait;

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
}

/// The answer of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Taken; so many are left.
    Granted { left: u32 },
    /// Empty; a token is there after this wait.
    Refused { wait: Duration },
}

/// Token buckets. Implementations: in this process, and a script on Redis.
///
/// MUST grant when its store does not answer: limits protect, they do not fail requests. MUST forget full buckets.
#[async_trait]
pub trait Limiter: Send + Sync {
    async fn take(&self, key: &str, rate: Rate) -> Allowance;

    /// Gives the bucket its tokens back, as after a successful log-in.
    async fn reset(&self, key: &str);
}
