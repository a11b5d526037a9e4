//! What an inbox knows of acts.

use kernel::{ContentId, Timestamp, UserId};
use schemas::engagement::Reaction;
use schemas::notifications::Happening;

/// Code points of a text that are shown; an ellipsis follows when there are more.
pub const EXCERPT_LENGTH_MAX: usize = 100;
/// People of a line who are shown by name.
pub const PEOPLE_SHOWN: usize = 3;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Something that somebody did and that concerns somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Act {
    pub recipient: UserId,
    pub what: Happening,
    pub target: Option<ContentId>,
    pub actor: UserId,
    /// The comment that it left.
    pub item: Option<ContentId>,
    pub reaction: Option<Reaction>,
    pub at: Timestamp,
}

impl Act {
    /// One that leaves nothing and is done with nothing.
    pub(crate) const fn plain(recipient: UserId, what: Happening, actor: UserId, at: Timestamp) -> Self {
        Self { recipient, what, target: None, actor, item: None, reaction: None, at }
    }

    /// People are not told what they did themselves.
    pub(crate) fn concerns_another(&self) -> bool {
        self.recipient != self.actor
    }
}

/// The day that an act belongs to, since 1970 in UTC.
pub(crate) fn day(at: Timestamp) -> i32 {
    i32::try_from(at.as_millis().div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

/// Numbers in the database: they never change, and are never given to another.
const HAPPENINGS: [(Happening, i16); 8] = [
    (Happening::Reacted, 1),
    (Happening::Commented, 2),
    (Happening::Replied, 3),
    (Happening::Mentioned, 4),
    (Happening::Shared, 5),
    (Happening::Followed, 6),
    (Happening::FollowRequested, 7),
    (Happening::FollowAccepted, 8),
];

pub(crate) fn number_of(what: Happening) -> i16 {
    HAPPENINGS.iter().find(|(it, _)| *it == what).map_or(0, |(_, number)| *number)
}

pub(crate) fn happening_of(number: i16) -> Option<Happening> {
    HAPPENINGS.iter().find(|(_, it)| *it == number).map(|(what, _)| *what)
}

const REACTIONS: [(Reaction, i16); 6] = [
    (Reaction::Like, 1),
    (Reaction::Love, 2),
    (Reaction::Laugh, 3),
    (Reaction::Wow, 4),
    (Reaction::Sad, 5),
    (Reaction::Angry, 6),
];

pub(crate) fn value_of(reaction: Option<Reaction>) -> i16 {
    REACTIONS.iter().find(|(it, _)| Some(*it) == reaction).map_or(0, |(_, value)| *value)
}

pub(crate) fn reaction_of(value: i16) -> Option<Reaction> {
    REACTIONS.iter().find(|(_, it)| *it == value).map(|(reaction, _)| *reaction)
}

/// How a text begins, on one line.
pub(crate) fn excerpt(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = line.chars();
    let mut begin: String = letters.by_ref().take(EXCERPT_LENGTH_MAX).collect();
    if letters.next().is_some() {
        begin.push('…');
    }
    (!begin.is_empty()).then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        for (what, number) in HAPPENINGS {
            assert_eq!((number_of(what), happening_of(number)), (number, Some(what)));
        }
        for (reaction, value) in REACTIONS {
            assert_eq!((value_of(Some(reaction)), reaction_of(value)), (value, Some(reaction)));
        }
        assert_eq!((happening_of(0), reaction_of(0), value_of(None)), (None, None, 0));
    }

    #[test]
    fn excerpts_are_one_short_line() {
        let exact = "é".repeat(EXCERPT_LENGTH_MAX);
        assert_eq!(excerpt(&exact), Some(exact.clone()));
        assert_eq!(excerpt(&format!("{exact}!")), Some(format!("{exact}…")));
        assert_eq!(excerpt(" Tea\n\tat noon ").as_deref(), Some("Tea at noon"));
        assert_eq!(excerpt(" \n"), None);
    }

    #[test]
    fn days_end_at_midnight() {
        assert_eq!([0, DAY_MS - 1, DAY_MS].map(|ms| day(Timestamp::from_millis(ms))), [0, 0, 1]);
    }
}
