//! How long to wait before connecting again.

use std::time::Duration;

/// Exponential backoff with full jitter: each wait is drawn evenly from zero to a bound that doubles with every failure,
/// so that clients who lost the same server do not come back in step.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The bound after the first failure.
    pub first: Duration,
    /// What the bound never exceeds.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(250), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The bound after `failures` failures in a row (1 or more).
    #[must_use]
    pub fn bound(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(self.longest)
    }

    /// The wait after `failures` failures in a row; never shorter than what the server asked for.
    #[must_use]
    pub fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let jitter = self.bound(failures).mul_f64(rand::random::<f64>());
        asked.map_or(jitter, |asked| asked + jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        let bounds: Vec<_> = (1..=6).map(|failures| backoff.bound(failures).as_millis()).collect();
        assert_eq!(bounds, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.bound(u32::MAX), backoff.longest);
    }

    #[test]
    fn a_wait_is_within_the_bound_and_not_before_what_was_asked() {
        let backoff = Backoff::default();
        for failures in 1..20 {
            assert!(backoff.wait(failures, None) <= backoff.bound(failures));
            assert!(backoff.wait(failures, Some(Duration::from_secs(3))) >= Duration::from_secs(3));
        }
    }
}
