//! The table of what can be done with content.

use schemas::engagement::{self, Counts, Mine, Reaction};

/// What is done. Numbers are in the database: they never change, and are never given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    Reaction,
    Save,
    Share,
    View,
    Comment,
}

impl What {
    pub const ALL: [Self; 5] = [Self::Reaction, Self::Save, Self::Share, Self::View, Self::Comment];

    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::Reaction => 1,
            Self::Save => 2,
            Self::Share => 3,
            Self::View => 4,
            Self::Comment => 5,
        }
    }

    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.number() == number)
    }

    /// How `plaza recount` calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reaction => "reaction",
            Self::Save => "save",
            Self::Share => "share",
            Self::View => "view",
            Self::Comment => "comment",
        }
    }

    /// As `engagement.changed` tells it; `None` where other events do.
    pub(crate) const fn told(self) -> Option<engagement::What> {
        match self {
            Self::Reaction => Some(engagement::What::Reaction),
            Self::Save => Some(engagement::What::Save),
            Self::Share => Some(engagement::What::Share),
            Self::View | Self::Comment => None,
        }
    }

    /// Whether a person does it, rather than a comment by being there.
    pub(crate) const fn is_personal(self) -> bool {
        !matches!(self, Self::Comment)
    }

    /// Where its count goes.
    pub(crate) fn count(self, value: i16, count: u64, counts: &mut Counts) {
        match self {
            Self::Reaction => {
                if let Some(reaction) = reaction_of(value).filter(|_| count > 0) {
                    counts.reactions.insert(reaction, count);
                }
            }
            Self::Save => counts.saves = count,
            Self::Share => counts.shares = count,
            Self::View => counts.views = count,
            Self::Comment => counts.comments = count,
        }
    }

    /// What it is to the one who did it.
    pub(crate) fn mine(self, value: i16, mine: &mut Mine) {
        match self {
            Self::Reaction => mine.reaction = reaction_of(value),
            Self::Save => mine.saved = true,
            Self::Share => mine.shared = true,
            Self::View | Self::Comment => {}
        }
    }
}

/// The value of what leaves no choice.
pub(crate) const ONLY: i16 = 0;

/// Reactions by their numbers in the database.
const REACTIONS: [(Reaction, i16); 6] = [
    (Reaction::Like, 1),
    (Reaction::Love, 2),
    (Reaction::Laugh, 3),
    (Reaction::Wow, 4),
    (Reaction::Sad, 5),
    (Reaction::Angry, 6),
];

pub(crate) fn value_of(reaction: Reaction) -> i16 {
    REACTIONS.iter().find(|(it, _)| *it == reaction).map_or(ONLY, |(_, value)| *value)
}

pub(crate) fn reaction_of(value: i16) -> Option<Reaction> {
    REACTIONS.iter().find(|(_, it)| *it == value).map(|(reaction, _)| *reaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        for what in What::ALL {
            assert_eq!(What::from_number(what.number()), Some(what));
        }
        assert_eq!(What::from_number(0), None);
        let all: Vec<Reaction> =
            serde_json::from_str(r#"["like", "love", "laugh", "wow", "sad", "angry"]"#).unwrap_or_default();
        assert_eq!(all.len(), REACTIONS.len());
        for reaction in all {
            assert_ne!(value_of(reaction), ONLY);
            assert_eq!(reaction_of(value_of(reaction)), Some(reaction));
        }
    }
}
