//! Whether content is written into timelines or looked up when it is read: the rule of cost.
//!
//! An author's content of one kind costs each follower either `rate × push` a day (a row for each thing that is published) or
//! `opens × pull` a day (a look for each time that the follower opens the feed). The cheaper of the two is right for a pair, and
//! nothing else has to be known: decisions for pairs do not depend on each other. Keeping a decision for each pair would cost
//! more than it saves, so viewers are sorted into a few [`Class`]es by how often they open the feed, and one decision is made
//! for an author, a kind and a class: **push if `opens × pull ≥ rate × push`**.
//!
//! Who opens the feed more often is pushed to if anybody is. So the decisions of an author and a kind are one number: the
//! [`Reach`], the lowest class that is pushed to.
//!
//! `bench feed-policy` compares this with the least cost that is possible, which decides for each pair with all rates known. Of
//! 60,000 people and 5.4 million follows (three seeds, a look at the cost of 1 to 0.03 rows), at 3 opens of the feed a post:
//! pushing to all costs 3.7 to 17 times the least, pulling by the best threshold of followers 3.8 to 9.1, the rule with known
//! rates 1.05 to 1.07, and with rates that it has learned from three weeks of events 1.1 to 1.35. At 50 opens a post:
//! 2.0 to 5.0, 3.7 to 7.3, 1.04 to 1.06, and 1.2 to 1.6.

use std::time::Duration;

use kernel::Timestamp;

/// Into how many classes viewers are sorted.
pub const CLASSES: usize = 4;
/// From how many opens a day on a viewer belongs to the second, third and fourth class.
pub const OPENS_MIN: [f64; CLASSES - 1] = [0.1, 1.0, 4.0];
/// A decision changes only when both sides of the rule are this far apart from where it would change back, so that an author
/// near the border does not go to and fro.
pub const HYSTERESIS: f64 = 2.0;
/// Longest fan-out of a single thing. Beyond, those who open the feed least are left to pull, class by class.
pub const BURST_MAX: Duration = Duration::from_secs(5);
/// How long something that happened counts: its weight falls to a third in this time.
pub const MEMORY: Duration = Duration::from_hours(7 * 24);

const DAY_S: f64 = 86_400.0;

/// How often somebody opens the feed: 0 is hardly ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

impl Class {
    pub const LOWEST: Self = Self(0);
    /// From here on, viewers come daily: a long fan-out serves them before the others.
    pub const ACTIVE: Self = Self(2);

    /// The class of so many opens a day.
    #[must_use]
    pub fn of(opens_per_day: f64) -> Self {
        Self(OPENS_MIN.iter().filter(|least| opens_per_day >= **least).count() as u8)
    }

    /// The class of somebody who was in this one and now opens the feed so often. Higher at once, lower only well below
    /// the border.
    #[must_use]
    pub fn next(self, opens_per_day: f64) -> Self {
        let strict = Self::of(opens_per_day);
        if strict >= self { strict } else { Self::of(opens_per_day * HYSTERESIS).min(self) }
    }

    /// As it is kept in tables. Whatever is no class is the nearest one.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0 as i16
    }

    #[must_use]
    pub fn from_number(number: i16) -> Self {
        Self(u8::try_from(number.clamp(0, CLASSES as i16 - 1)).unwrap_or(0))
    }

    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..CLASSES as u8).map(Self)
    }
}

/// The lowest class that is pushed to; all above it are pushed to as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach(u8);

impl Reach {
    pub const EVERYBODY: Self = Self(0);
    pub const NOBODY: Self = Self(CLASSES as u8);

    #[must_use]
    pub const fn pushes_to(self, class: Class) -> bool {
        class.0 >= self.0
    }

    /// As it is kept in tables. Whatever is no reach is read as the safe one: pulled, which loses nothing.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0 as i16
    }

    #[must_use]
    pub fn from_number(number: i16) -> Self {
        u8::try_from(number).ok().filter(|number| usize::from(*number) <= CLASSES).map_or(Self::NOBODY, Self)
    }
}

/// What the rule weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Writing one row of a timeline, as part of a batch.
    pub push_us: f64,
    /// Looking up what one author has published of one kind, as one of many in a query.
    pub pull_us: f64,
    /// Opens a day of a viewer of each class, on average.
    pub opens_per_day: [f64; CLASSES],
    /// Writes of timelines that are under way at once.
    pub workers: f64,
}

impl Costs {
    /// Between two borders, the geometric mean; outside of them, what published figures suggest.
    pub const OPENS_GUESSED: [f64; CLASSES] = [0.01, 0.3, 2.0, 8.0];
}

/// An author's content of one kind, as the rule sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Author {
    pub posts_per_day: f64,
    /// Followers in each class.
    pub followers: [f64; CLASSES],
}

/// What becomes of a decision.
#[must_use]
pub fn decide(now: Reach, author: &Author, costs: &Costs) -> Reach {
    let margin = HYSTERESIS.sqrt();
    let push_per_day = author.posts_per_day * costs.push_us;
    let mut reach = Reach::NOBODY;
    let mut followers = 0.0;
    // From those who come most often down, as far as pushing is right.
    for class in Class::all().rev() {
        let pushed = now.pushes_to(class);
        let pull_per_day = costs.opens_per_day[class.index()] * costs.pull_us;
        let cheap = if pushed { pull_per_day * margin >= push_per_day } else { pull_per_day >= push_per_day * margin };
        followers += author.followers[class.index()];
        let burst = Duration::try_from_secs_f64(followers * costs.push_us / 1e6 / costs.workers.max(1.0));
        let burst_max = if pushed { BURST_MAX } else { BURST_MAX.div_f64(HYSTERESIS) };
        if !cheap || burst.is_ok_and(|burst| burst > burst_max) {
            break;
        }
        reach = Reach(class.0);
    }
    reach
}

/// How often something happens, forgetting what is long past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_day: f64,
    at: Timestamp,
}

impl Rate {
    #[must_use]
    pub const fn new(per_day: f64, at: Timestamp) -> Self {
        Self { per_day, at }
    }

    /// How often it happens at `now`, if nothing has happened since.
    #[must_use]
    pub fn per_day(self, now: Timestamp) -> f64 {
        let passed = now.since(self.at).as_secs_f64() / MEMORY.as_secs_f64();
        self.per_day * (-passed).exp()
    }

    /// It happened `count` times more, just now. What comes late counts as if it had happened when the last one did.
    #[must_use]
    pub fn counted(self, count: u32, now: Timestamp) -> Self {
        let at = self.at.max(now);
        Self { per_day: self.per_day(at) + f64::from(count) * DAY_S / MEMORY.as_secs_f64(), at }
    }

    #[must_use]
    pub const fn at(self) -> Timestamp {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COSTS: Costs = Costs { push_us: 10.0, pull_us: 10.0, opens_per_day: [0.01, 0.3, 2.0, 8.0], workers: 2.0 };

    fn posts(posts_per_day: f64) -> Author {
        Author { posts_per_day, followers: [100.0; CLASSES] }
    }

    #[test]
    fn the_cheaper_side_wins_for_each_class() {
        for (rate, wanted) in [(0.0, 0), (0.004, 0), (0.1, 1), (1.0, 2), (5.0, 3), (100.0, 4)] {
            for now in [Reach::EVERYBODY, Reach::NOBODY] {
                assert_eq!(decide(now, &posts(rate), &COSTS).number(), wanted, "{rate} a day");
            }
        }
    }

    #[test]
    fn near_the_border_nothing_changes() {
        // 0.3 opens a day at the same cost: pushed below 0.21 a day, pulled above 0.42.
        for (rate, from_pushed, from_pulled) in [(0.2, 1, 1), (0.25, 1, 2), (0.4, 1, 2), (0.45, 2, 2)] {
            assert_eq!(decide(Reach(1), &posts(rate), &COSTS), Reach(from_pushed), "{rate} from pushed");
            assert_eq!(decide(Reach(2), &posts(rate), &COSTS), Reach(from_pulled), "{rate} from pulled");
        }
    }

    #[test]
    fn a_fan_out_that_takes_too_long_leaves_out_those_who_come_least() {
        // Two at once, 10 µs a row: a million rows in five seconds.
        let crowd = |followers| Author { posts_per_day: 0.001, followers };
        assert_eq!(decide(Reach(0), &crowd([1e6 - 300.0, 100.0, 100.0, 100.0]), &COSTS), Reach(0));
        assert_eq!(decide(Reach(0), &crowd([1e6, 100.0, 100.0, 100.0]), &COSTS), Reach(1));
        assert_eq!(decide(Reach(1), &crowd([5e5, 100.0, 100.0, 100.0]), &COSTS), Reach(1), "comes back at half");
        assert_eq!(decide(Reach(1), &crowd([4e5, 100.0, 100.0, 100.0]), &COSTS), Reach(0));
        assert_eq!(decide(Reach(0), &crowd([0.0, 0.0, 0.0, 1e6 + 1.0]), &COSTS), Reach::NOBODY);
    }

    #[test]
    fn classes_begin_at_their_borders_and_are_left_at_half_of_them() {
        for (opens, class) in [(0.0, 0), (0.099, 0), (0.1, 1), (0.99, 1), (1.0, 2), (4.0, 3), (1e9, 3)] {
            assert_eq!(Class::of(opens), Class(class), "{opens}");
        }
        assert_eq!(Class(2).next(0.5), Class(2));
        assert_eq!(Class(2).next(0.49), Class(1));
        assert_eq!(Class(3).next(0.0), Class(0));
        assert_eq!(Class(0).next(4.0), Class(3));
    }

    #[test]
    fn numbers_that_are_none_mean_what_loses_nothing() {
        assert_eq!(Reach::from_number(-1), Reach::NOBODY);
        assert_eq!(Reach::from_number(9), Reach::NOBODY);
        assert_eq!(Class::from_number(9).number(), 3);
        assert_eq!(Class::from_number(-9), Class::LOWEST);
    }

    #[test]
    fn a_rate_comes_near_what_happens_and_fades() {
        let hours = |hours: u64| Timestamp::from_millis(1_000_000).plus(Duration::from_hours(hours));
        let mut rate = Rate::new(0.0, hours(0));
        for twelve in 1..120 {
            rate = rate.counted(1, hours(12 * twelve));
        }
        assert!((1.8..2.2).contains(&rate.per_day(hours(12 * 120))), "{rate:?} for two a day");
        let week = rate.per_day(rate.at().plus(MEMORY)) / rate.per_day(rate.at());
        assert!((week - (-1.0_f64).exp()).abs() < 1e-9);
        assert_eq!(rate.counted(1, hours(0)).at(), rate.at(), "time does not go back");
    }

    proptest! {
        #[test]
        fn a_decision_that_was_made_again_stays(
            rate in 0.0_f64..1_000.0,
            push_us in 0.1_f64..100.0,
            pull_us in 0.1_f64..100.0,
            now in 0_i16..=4,
            followers in prop::array::uniform4(0.0_f64..1e7),
        ) {
            let costs = Costs { push_us, pull_us, ..COSTS };
            let author = Author { posts_per_day: rate, followers };
            let next = decide(Reach::from_number(now), &author, &costs);
            prop_assert_eq!(decide(next, &author, &costs), next);
        }
    }
}
