//! How often something was shown, and what was done with it.

use std::time::Duration;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::{ACTIONS, Action, Actions, Heads};

/// How many views the prior counts for, in a smoothed rate.
const PRIOR_VIEWS: f32 = 50.0;

/// Views, and actions among them; both fade when a half-life is given.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub shown: f32,
    pub acted: Heads,
}

impl Tally {
    /// One more view, of weight `weight`, and what came of it.
    pub fn add(&mut self, actions: Actions, weight: f32) {
        self.shown += weight;
        for action in actions.iter() {
            self.acted[action.index()] += weight;
        }
    }

    /// What is left of it after `age`.
    #[must_use]
    pub fn faded(mut self, age: Duration, half_life: Duration) -> Self {
        let left = left(age, half_life);
        self.shown *= left;
        self.acted.iter_mut().for_each(|acted| *acted *= left);
        self
    }

    /// How much more often than by [`Action::prior`] the action happens: the logarithm of the ratio of the smoothed rate
    /// to the prior, 0 when nothing is known.
    #[must_use]
    pub fn lift(&self, action: Action) -> f32 {
        let prior = action.prior();
        // As many views as make the prior worth a fraction of one action, or one lucky like would triple a rate.
        let views = PRIOR_VIEWS.max(0.75 / prior);
        let rate = (self.acted[action.index()] + prior * views) / (self.shown.max(0.0) + views);
        (rate / prior).ln()
    }

    /// Lifts of all actions.
    #[must_use]
    pub fn lifts(&self) -> Heads {
        let mut lifts = [0.0; ACTIONS];
        for action in Action::ALL {
            lifts[action.index()] = self.lift(action);
        }
        lifts
    }
}

/// What is left of 1 after `age`.
pub fn left(age: Duration, half_life: Duration) -> f32 {
    (-(age.as_secs_f32() / half_life.as_secs_f32().max(1.0))).exp2()
}

/// Hours between two moments.
pub fn hours(since: Timestamp, now: Timestamp) -> f32 {
    now.since(since).as_secs_f32() / 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_lifts_nothing_and_evidence_moves_it() {
        let mut tally = Tally::default();
        assert_eq!(tally.lifts(), [0.0; ACTIONS]);
        for _ in 0..1_000 {
            tally.add(Actions::default(), 1.0);
        }
        assert!(tally.lift(Action::React) < -1.0);
        for _ in 0..1_000 {
            tally.add(Actions::default().with(Action::React), 1.0);
        }
        assert!(tally.lift(Action::React) > 3.0, "{}", tally.lift(Action::React));
        let faded = tally.faded(Duration::from_secs(7200), Duration::from_secs(3600));
        assert!((faded.shown - 500.0).abs() < 0.1 && (faded.acted[1] - 250.0).abs() < 0.1);
    }
}
