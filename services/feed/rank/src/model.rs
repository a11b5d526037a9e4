//! The learned model: probabilities of what a viewer will do.

use crate::action::{ACTIONS, Action, Actions, Heads};
use crate::features::Features;
use crate::ftrl::Ftrl;
use crate::hand::{logit, sigmoid};

/// How fast a calibration moves.
const PLATT_RATE: f32 = 0.02;
/// Examples that a head's calibration has to have seen before it counts in full.
const PLATT_TRUSTED: f32 = 20_000.0;

/// A shown item and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// As they were when it was served.
    pub features: Features,
    /// Its place on the page, 0 the first.
    pub place: usize,
    pub actions: Actions,
}

/// Platt scaling of one head, learned online from predictions made before their outcome was known: `scale · logit + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    pub scale: f32,
    pub shift: f32,
    pub seen: f32,
    /// Sums of squared gradients, by which steps shrink.
    pub spread: [f32; 2],
}

impl Default for Platt {
    fn default() -> Self {
        Self { scale: 1.0, shift: 0.0, seen: 0.0, spread: [1.0; 2] }
    }
}

impl Platt {
    fn apply(&self, logit: f32) -> f32 {
        let trust = (self.seen / PLATT_TRUSTED).min(1.0);
        (1.0 + trust * (self.scale - 1.0)) * logit + trust * self.shift
    }

    fn learn(&mut self, raw: f32, prior: f32, happened: f32) {
        let excess = sigmoid(self.scale * raw + self.shift) - happened;
        // Around the prior, so that the two parameters do not pull at each other.
        let gradients = [excess * (raw - prior), excess];
        for (spread, gradient) in self.spread.iter_mut().zip(gradients) {
            *spread += gradient * gradient;
        }
        let scale = (self.scale - PLATT_RATE * gradients[0] / self.spread[0].sqrt()).clamp(0.5, 2.0);
        self.shift += (self.scale - scale) * prior - PLATT_RATE * gradients[1] / self.spread[1].sqrt();
        self.scale = scale;
        self.seen += 1.0;
    }
}

/// Predicts each action; learns from what happened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub(crate) table: Ftrl,
    pub(crate) platt: [Platt; ACTIONS],
    pub(crate) examples: u64,
}

impl Model {
    /// The probability of each action, if the item stood at the top of the page: features without a place.
    #[must_use]
    pub fn predict(&self, features: &Features) -> Heads {
        let mut logits = self.logits(features);
        for (logit, first) in logits.iter_mut().zip(self.table.weights(Features::first_place())) {
            *logit += first;
        }
        self.calibrated(&logits)
    }

    /// The probability of each action at a place of the page.
    #[must_use]
    pub fn predict_at(&self, features: &Features, place: usize) -> Heads {
        self.calibrated(&self.logits(&features.clone().at_place(place)))
    }

    fn calibrated(&self, logits: &Heads) -> Heads {
        let mut probabilities = *logits;
        for (logit, platt) in probabilities.iter_mut().zip(&self.platt) {
            *logit = sigmoid(platt.apply(*logit));
        }
        probabilities
    }

    fn logits(&self, features: &Features) -> Heads {
        let mut logits = self.table.correction(features);
        for (logit, hand) in logits.iter_mut().zip(&features.hand) {
            *logit += hand;
        }
        logits
    }

    /// Learns what came of showing an item; its place explains some of it away.
    pub fn learn(&mut self, example: &Example) {
        if !example.features.is_sound() {
            return;
        }
        let placed = example.features.clone().at_place(example.place);
        let raw = self.logits(&placed);
        let mut excess = [0.0; ACTIONS];
        for action in Action::ALL {
            let head = action.index();
            let happened = f32::from(u8::from(example.actions.has(action)));
            excess[head] = sigmoid(raw[head]) - happened;
            self.platt[head].learn(raw[head], logit(action.prior()), happened);
        }
        self.table.learn(&placed, &excess);
        self.examples += 1;
    }

    /// How many examples it has learned from.
    #[must_use]
    pub const fn examples(&self) -> u64 {
        self.examples
    }
}

/// How surprising `actions` are to whoever predicted `probabilities`: the logarithmic loss of all heads together.
#[must_use]
pub fn surprise(probabilities: &Heads, actions: Actions) -> f64 {
    let loss = |action: Action| {
        let likely = f64::from(probabilities[action.index()]).clamp(1e-7, 1.0 - 1e-7);
        -if actions.has(action) { likely } else { 1.0 - likely }.ln()
    };
    Action::ALL.into_iter().map(loss).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;

    fn features(slot: u32) -> Features {
        Features { hand: Action::ALL.map(|action| logit(action.prior())), slots: vec![0, slot], values: vec![1.0, 1.0] }
    }

    #[test]
    fn untaught_it_says_what_the_hand_weighted_model_says() {
        let predicted = Model::default().predict(&features(300));
        for action in Action::ALL {
            assert!((predicted[action.index()] - action.prior()).abs() < 1e-6);
        }
    }

    #[test]
    fn it_learns_rates_and_stays_calibrated() {
        let (mut model, mut dice) = (Model::default(), Dice::new(1));
        for n in 0..40_000u32 {
            let slot = 300 + n % 2;
            let rate = if slot == 300 { 0.08 } else { 0.01 };
            let acts = dice.share() < rate;
            let actions = if acts { Actions::default().with(Action::React) } else { Actions::default() };
            model.learn(&Example { features: features(slot), place: n as usize % 20, actions });
        }
        let [often, rarely] = [300, 301].map(|slot| model.predict(&features(slot))[Action::React.index()]);
        assert!((0.06..0.10).contains(&often), "{often}");
        assert!((0.006..0.016).contains(&rarely), "{rarely}");
        assert_eq!(model.examples(), 40_000);
    }

    #[test]
    fn what_was_seen_less_because_of_its_place_is_not_held_against_it() {
        let (mut model, mut dice) = (Model::default(), Dice::new(2));
        for n in 0..60_000u32 {
            // Both are equally good; one always stands low.
            let (slot, place, seen) = if n % 2 == 0 { (300, 0, 1.0) } else { (301, 9, 0.3) };
            // Each also stands elsewhere now and then.
            let (place, seen) = if n % 10 < 2 { (9 - place, 1.3 - seen) } else { (place, seen) };
            let actions =
                if dice.share() < 0.1 * seen { Actions::default().with(Action::React) } else { Actions::default() };
            model.learn(&Example { features: features(slot), place, actions });
        }
        let [high, low] = [300, 301].map(|slot| model.predict(&features(slot))[Action::React.index()]);
        assert!(low / high > 0.75, "{high} {low}");
    }

    #[test]
    fn what_was_predicted_surprises_less() {
        let react = Actions::default().with(Action::React);
        let (sure, unsure) = ([0.0, 0.9, 0.0, 0.0, 0.0, 0.0], [0.0, 0.1, 0.0, 0.0, 0.0, 0.0]);
        assert!(surprise(&sure, react) < surprise(&unsure, react));
        assert!(surprise(&unsure, Actions::default()) < surprise(&sure, Actions::default()));
        assert!(surprise(&[0.0; ACTIONS], react).is_finite());
    }

    #[test]
    fn unsound_features_teach_nothing() {
        let mut model = Model::default();
        let features = Features { slots: vec![u32::MAX], values: vec![1.0], ..Features::default() };
        model.learn(&Example { features, place: 0, actions: Actions::default() });
        assert_eq!(model, Model::default());
    }
}
