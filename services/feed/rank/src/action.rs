//! What is predicted: the things a viewer may do with an item.

use serde::{Deserialize, Serialize};

/// The number of [`Action`]s.
pub const ACTIONS: usize = 6;

/// A number for each action, in the order of [`Action::ALL`].
pub type Heads = [f32; ACTIONS];

/// Something that a viewer does with an item of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stays with it for a while.
    Dwell,
    React,
    Comment,
    Share,
    Save,
    /// Asks for less of it.
    Hide,
}

impl Action {
    pub const ALL: [Self; ACTIONS] = [Self::Dwell, Self::React, Self::Comment, Self::Share, Self::Save, Self::Hide];

    /// Its place among the heads. Part of what is stored: never changes.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// How often it happens to an item that is shown, when nothing else is known.
    #[must_use]
    pub const fn prior(self) -> f32 {
        match self {
            Self::Dwell => 0.3,
            Self::React => 0.015,
            Self::Comment => 0.0015,
            Self::Share => 0.001,
            Self::Save => 0.002,
            Self::Hide => 0.0003,
        }
    }
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actions(pub u8);

impl Actions {
    #[must_use]
    pub const fn has(self, action: Action) -> bool {
        self.0 & (1 << action.index()) != 0
    }

    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | 1 << action.index())
    }

    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.has(*action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = Actions::default().with(Action::Save).with(Action::Dwell).with(Action::Save);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Action::Dwell, Action::Save]);
        assert!(!set.has(Action::Hide));
        for (place, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action.index(), place);
        }
    }
}
