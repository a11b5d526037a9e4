//! What operators may set.

use std::time::Duration;

use live::Rate;
use serde::Deserialize;

use crate::{Network, Origin};

/// How REST requests are admitted.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Origins whose pages may call the API from a browser: `https://app.example.com`, or `*` for any. None: CORS is off.
    pub cors_origins: Vec<Origin>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Longest time that a request may take.
    pub request_timeout_ms: u64,
    /// Requests that an account may make at once.
    pub account_burst: u32,
    /// Requests that an account may make in a minute.
    pub account_per_minute: u32,
    /// Requests that an address may make at once.
    pub address_burst: u32,
    /// Requests that an address may make in a minute: more than an account, since offices and carriers share one.
    pub address_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            request_timeout_ms: 30_000,
            account_burst: 200,
            account_per_minute: 1_200,
            address_burst: 1_000,
            address_per_minute: 12_000,
        }
    }
}

impl Settings {
    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) fn account(&self) -> Rate {
        rate(self.account_burst, self.account_per_minute)
    }

    pub(crate) fn address(&self) -> Rate {
        rate(self.address_burst, self.address_per_minute)
    }
}

/// A [`Rate`] refills its whole burst over a time; operators think in requests a minute.
fn rate(burst: u32, per_minute: u32) -> Rate {
    Rate::new(burst.max(1), Duration::from_secs(60) * burst.max(1) / per_minute.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_refills_at_the_rate_per_minute() {
        assert_eq!(rate(200, 1_200), Rate::new(200, Duration::from_secs(10)));
        assert_eq!(rate(0, 0), Rate::new(1, Duration::from_secs(60)));
    }
}
