//! How much faster than before.

use std::time::Duration;

/// What counts as of late.
pub const RECENT: Duration = Duration::from_secs(24 * 60 * 60);
/// After so long, a use counts half.
pub const HALF_LIFE: Duration = Duration::from_secs(6 * 60 * 60);
/// Days before the recent one that it is held against.
const PAST_DAYS: f64 = 7.0;

/// How far the heat of late (each person's last use, decayed by [`HALF_LIFE`]) exceeds what the uses of the seven days
/// before (each person once a day) let expect, in standard deviations of a Poisson process, roughly. New hashtags need no past, and
/// those that are always used much need much more than others.
#[must_use]
pub fn velocity(heat: f64, past_uses: i64) -> f64 {
    let expected = past_uses.max(0) as f64 / PAST_DAYS * mean_weight();
    (heat - expected) / (expected + 1.0).sqrt()
}

/// What a use at any moment of the recent window weighs on average.
fn mean_weight() -> f64 {
    let half_lives = RECENT.as_secs_f64() / HALF_LIFE.as_secs_f64();
    (1.0 - 0.5_f64.powf(half_lives)) / (half_lives * std::f64::consts::LN_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_hashtag_stands_still_however_much_it_is_used() {
        for a_day in [7, 700, 70_000] {
            let heat = f64::from(a_day) * mean_weight();
            assert!(velocity(heat, 7 * i64::from(a_day)).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_new_outruns_what_is_always_there() {
        let new = velocity(20.0, 0);
        let usual_and_a_bit = velocity(1_000.0 * mean_weight() + 20.0, 7_000);
        assert!(new > usual_and_a_bit && usual_and_a_bit > 0.0);
        assert!(velocity(1.0, 7_000) < 0.0, "it cools down");
    }

    #[test]
    fn more_is_faster_and_a_past_is_slower() {
        assert!(velocity(5.0, 10) > velocity(4.0, 10));
        assert!(velocity(5.0, 10) > velocity(5.0, 11));
    }
}
