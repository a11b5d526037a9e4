//! What age and popularity are worth, as pure functions: every engine computes these.
//!
//! Both are factors of the score. Summed, 900 likes of two years ago would outdo all that was written yesterday.

use std::time::Duration;

use kernel::Timestamp;

const DAY_MS: f64 = 86_400_000.0;
/// Younger than this counts as new, in milliseconds.
pub const RECENCY_OFFSET_MS: f64 = DAY_MS;
/// This much older than [`RECENCY_OFFSET_MS`], in milliseconds, what age gives has fallen to [`RECENCY_DECAY`].
pub const RECENCY_SCALE_MS: f64 = 7.0 * DAY_MS;
pub const RECENCY_DECAY: f64 = 0.5;
/// What is left for the oldest. Without it nothing but noise would order what is older than some weeks.
pub const RECENCY_FLOOR: f64 = 0.1;
/// From here on, popularity counts no more.
pub const POPULARITY_CAP: f64 = 1_000_000.0;

/// What both factors are together at most: what bounds the worth of a document before either is looked at.
pub const FACTORS_MAX: f64 = 2.0;

/// [`RECENCY_FLOOR`] for the oldest to 1 for what is new (or of the future): a bell over the age.
#[must_use]
pub fn recency(created_at: Timestamp, now: Timestamp) -> f64 {
    recency_ms(created_at.as_millis(), now.as_millis())
}

pub(crate) fn recency_ms(created_ms: i64, now_ms: i64) -> f64 {
    let age = (now_ms.saturating_sub(created_ms) as f64 - RECENCY_OFFSET_MS).max(0.0);
    let bell = (RECENCY_DECAY.ln() * (age / RECENCY_SCALE_MS).powi(2)).exp();
    RECENCY_FLOOR + (1.0 - RECENCY_FLOOR) * bell
}

/// 1 for nothing to 2 for [`POPULARITY_CAP`] and all above: the logarithm's share.
#[must_use]
pub fn popularity(popularity: f64) -> f64 {
    1.0 + popularity.clamp(0.0, POPULARITY_CAP).ln_1p() / POPULARITY_CAP.ln_1p()
}

/// The age at which recency is half way down.
#[must_use]
pub const fn half_age() -> Duration {
    Duration::from_millis((RECENCY_OFFSET_MS + RECENCY_SCALE_MS) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recency_falls_from_one_to_its_floor() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert!((recency(now, now) - 1.0).abs() < 1e-12);
        assert!((recency(now.plus(half_age()), now) - 1.0).abs() < 1e-12);
        assert!((recency(now.minus(Duration::from_secs(86_400)), now) - 1.0).abs() < 1e-12);
        assert!((recency(now.minus(half_age()), now) - 0.55).abs() < 1e-12);
        assert!((recency(Timestamp::default(), now) - RECENCY_FLOOR).abs() < 1e-12);
    }

    #[test]
    fn popularity_doubles_at_most() {
        assert!((popularity(0.0) - 1.0).abs() < 1e-12);
        assert!(popularity(10.0) < popularity(11.0));
        assert!((popularity(POPULARITY_CAP) - 2.0).abs() < 1e-12);
        assert!((popularity(f64::MAX) - 2.0).abs() < 1e-12);
        assert!(popularity(f64::MAX) * recency_ms(5, 0) <= FACTORS_MAX);
    }
}
