//! The rules: how devices add up, and who may know what.

use std::time::Duration;

use kernel::Timestamp;
use schemas::presence::{Activity, Audience, State};

/// How a person is seen whose devices say `activities`.
pub(crate) fn shown(activities: impl IntoIterator<Item = Activity>, hidden: bool) -> State {
    let mut best = State::Offline;
    for activity in activities {
        match activity {
            Activity::Invisible => return State::Offline,
            Activity::Idle => best = best.max(State::Idle),
            Activity::Online => best = State::Online,
        }
    }
    if hidden { State::Offline } else { best }
}

/// What is between the one who asks and another person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relation {
    /// There is such an account.
    pub exists: bool,
    /// Either blocks the other.
    pub blocked: bool,
    /// The other account is private.
    pub private: bool,
    /// The one who asks follows the other.
    pub follows: bool,
    /// The other follows the one who asks.
    pub followed_by: bool,
}

/// Whether presence may be seen at all. Oneself may always be.
pub(crate) const fn may_watch(relation: Relation, oneself: bool) -> bool {
    oneself || (relation.exists && !relation.blocked && (!relation.private || relation.follows))
}

/// Whether `last_seen` may be seen by somebody who may watch: the other's audience must admit the one who asks, and
/// the audience of the one who asks must admit the other.
pub(crate) fn may_see_last_seen(mine: Audience, theirs: Audience, relation: Relation) -> bool {
    let admits = |audience, follower| match audience {
        Audience::Everyone => true,
        Audience::Followers => follower,
        Audience::Nobody => false,
    };
    admits(theirs, relation.follows) && admits(mine, relation.followed_by)
}

/// `last_seen` as it is shown: the second of somebody's coming and going is nobody's business.
pub(crate) const fn to_the_minute(at: Timestamp) -> Timestamp {
    const MINUTE_MS: i64 = Duration::from_secs(60).as_millis() as i64;
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Activity::{Idle, Invisible, Online};

    #[test]
    fn the_best_device_counts_and_one_that_hides_hides_all() {
        for (devices, state) in [
            (&[][..], State::Offline),
            (&[Idle], State::Idle),
            (&[Idle, Online, Idle], State::Online),
            (&[Online, Invisible], State::Offline),
            (&[Invisible, Online, Idle], State::Offline),
        ] {
            assert_eq!(shown(devices.iter().copied(), false), state, "{devices:?}");
            assert_eq!(shown(devices.iter().copied(), true), State::Offline);
        }
    }

    #[test]
    fn only_people_whom_one_may_know_are_seen() {
        let stranger = Relation { exists: true, ..Relation::default() };
        let private = Relation { private: true, ..stranger };
        assert!(may_watch(stranger, false));
        assert!(!may_watch(Relation::default(), false), "no such account");
        assert!(!may_watch(Relation { blocked: true, follows: true, ..stranger }, false));
        assert!(!may_watch(private, false));
        assert!(may_watch(Relation { follows: true, ..private }, false));
        assert!(!may_watch(Relation { followed_by: true, ..private }, false));
        assert!(may_watch(private, true), "oneself");
    }

    #[test]
    fn last_seen_is_seen_by_those_who_show_theirs() {
        use Audience::{Everyone, Followers, Nobody};
        let relation = |follows, followed_by| Relation { exists: true, follows, followed_by, ..Relation::default() };
        for (mine, theirs, follows, followed_by, seen) in [
            (Everyone, Everyone, false, false, true),
            (Everyone, Followers, false, false, false),
            (Everyone, Followers, true, false, true),
            (Followers, Everyone, true, false, false),
            (Followers, Followers, true, true, true),
            (Followers, Followers, true, false, false),
            (Nobody, Everyone, true, true, false),
            (Everyone, Nobody, true, true, false),
        ] {
            let is = may_see_last_seen(mine, theirs, relation(follows, followed_by));
            assert_eq!(is, seen, "{mine:?} {theirs:?} {follows} {followed_by}");
        }
    }

    #[test]
    fn last_seen_says_the_minute() {
        let at: Timestamp = "2026-11-21T10:15:59.999Z".parse().unwrap();
        assert_eq!(to_the_minute(at).to_string(), "2026-11-21T10:15:00.000Z");
        assert_eq!(to_the_minute(to_the_minute(at)), to_the_minute(at));
    }
}
