//! What is not ranked at all.

use std::time::Duration;

use kernel::{ContentKind, Timestamp, UserId};

use crate::Candidate;

/// Older items are not recommended; those of followed authors may be twice as old.
pub const AGE_MAX: Duration = Duration::from_secs(72 * 3600);

/// Why a candidate is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The viewer may not read it, or nobody said so.
    Unreadable,
    /// The viewer wrote it.
    Own,
    Seen,
    Old,
    /// Of a kind that has a place of its own: stories in the tray, comments below what they are about.
    Elsewhere,
}

/// Whether `candidate` may be ranked for `viewer`.
#[must_use]
pub fn dropped(candidate: &Candidate, viewer: UserId, now: Timestamp) -> Option<Dropped> {
    let age_max = if candidate.followed { AGE_MAX * 2 } else { AGE_MAX };
    if candidate.readable != Some(true) {
        Some(Dropped::Unreadable)
    } else if candidate.author == viewer {
        Some(Dropped::Own)
    } else if matches!(candidate.id.kind(), ContentKind::Story | ContentKind::Comment) {
        Some(Dropped::Elsewhere)
    } else if candidate.seen {
        Some(Dropped::Seen)
    } else if now.since(candidate.created_at) > age_max {
        Some(Dropped::Old)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use kernel::ContentId;

    use super::*;
    use crate::Source;

    #[test]
    fn each_reason_drops_and_nothing_known_of_audience_means_no() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let [ada, ben] = [1, 2].map(|ms| UserId::floor(Timestamp::from_millis(ms)));
        let made = |kind, at| {
            let unasked = Candidate::new(ContentId::new(kind, at), ben, Source::Trending);
            assert_eq!(dropped(&unasked, ada, now), Some(Dropped::Unreadable));
            Candidate { readable: Some(true), ..unasked }
        };
        let good = made(ContentKind::Post, now);
        assert_eq!(dropped(&good, ada, now), None);
        assert_eq!(dropped(&good, ben, now), Some(Dropped::Own));
        assert_eq!(dropped(&Candidate { readable: Some(false), ..good.clone() }, ada, now), Some(Dropped::Unreadable));
        assert_eq!(dropped(&Candidate { seen: true, ..good }, ada, now), Some(Dropped::Seen));
        assert_eq!(dropped(&made(ContentKind::Story, now), ada, now), Some(Dropped::Elsewhere));
        let edge = now.minus(AGE_MAX);
        assert_eq!(dropped(&made(ContentKind::Post, edge), ada, now), None);
        let old = made(ContentKind::Post, edge.minus(Duration::from_millis(1)));
        assert_eq!(dropped(&old, ada, now), Some(Dropped::Old));
        assert_eq!(dropped(&Candidate { followed: true, ..old }, ada, now), None);
    }
}
