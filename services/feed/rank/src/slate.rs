//! From candidates to a slate: filter, predict, weigh, mix.

use std::collections::HashMap;

use kernel::ContentKind;

use crate::action::{Action, Heads};
use crate::filter::{Dropped, dropped};
use crate::mix::{self, Belief, Placed, Rules, Scored};
use crate::{Candidate, Dice, Features, Model, Viewer, hand, values};

/// An author shown less often than this lately is new to people.
pub const COLD_SHOWN_MAX: f32 = 200.0;
/// How many views are behind the prior of an item's reactions: Beta(0.75, 49.25).
const COLD_PRIOR_VIEWS: f32 = 50.0;

/// Who predicts.
#[derive(Debug, Clone, Copy)]
pub enum Scorer<'a> {
    /// Nothing is learned yet, or what is learned is not trusted.
    Hand,
    Learned(&'a Model),
}

impl Scorer<'_> {
    #[must_use]
    pub fn predict(self, features: &Features) -> Heads {
        match self {
            Self::Hand => hand::probabilities(&features.hand),
            Self::Learned(model) => model.predict(features),
        }
    }
}

/// An item of a slate, with what has to be logged of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its place among the candidates that were given.
    pub index: usize,
    pub features: Features,
    pub value: f32,
    pub placed: Placed,
}

/// The slate for `viewer`, and how many candidates were left out, by reason.
#[must_use]
pub fn slate(
    viewer: &Viewer<'_>,
    candidates: &[Candidate],
    scorer: Scorer<'_>,
    rules: &Rules,
    dice: &mut Dice,
) -> (Vec<Ranked>, HashMap<Dropped, usize>) {
    let mut left_out: HashMap<Dropped, usize> = HashMap::new();
    let (mut kept, mut old) = (Vec::with_capacity(candidates.len()), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        match dropped(candidate, viewer.id, viewer.now) {
            Some(Dropped::Old) => old.push(index),
            Some(why) => *left_out.entry(why).or_default() += 1,
            None => kept.push(index),
        }
    }
    if kept.len() < rules.length_min {
        kept.append(&mut old);
    } else if !old.is_empty() {
        left_out.insert(Dropped::Old, old.len());
    }
    let mut features: Vec<Features> = kept.iter().map(|index| Features::of(viewer, &candidates[*index])).collect();
    let score = |(index, features): (&usize, &Features)| scored(&candidates[*index], features, scorer);
    let scores: Vec<Scored> = kept.iter().zip(&features).map(score).collect();
    let placed = mix::arrange(&scores, &quotas(viewer, &scores), rules, dice);
    let ranked = placed.into_iter().map(|placed| Ranked {
        index: kept[placed.index],
        features: std::mem::take(&mut features[placed.index]),
        value: scores[placed.index].value,
        placed,
    });
    (ranked.collect(), left_out)
}

fn scored(candidate: &Candidate, features: &Features, scorer: Scorer<'_>) -> Scored {
    let value = values::value(candidate.id.kind(), &scorer.predict(features));
    let is_cold = !candidate.followed && candidate.author_tally.shown < COLD_SHOWN_MAX;
    Scored {
        id: candidate.id,
        author: candidate.author,
        conversation: candidate.conversation,
        value,
        cold: is_cold.then(|| Belief { mean: value, deviation: doubt(candidate) }),
    }
}

/// How far the value of an item may be from what is predicted, as long as few have seen it.
fn doubt(candidate: &Candidate) -> f32 {
    let react = Action::React.prior();
    let weight = values::weights(candidate.id.kind())[Action::React.index()];
    weight * (react * (1.0 - react) / (candidate.item.shown + COLD_PRIOR_VIEWS)).sqrt()
}

fn quotas(viewer: &Viewer<'_>, scores: &[Scored]) -> HashMap<ContentKind, f32> {
    let there = |kind: &ContentKind| scores.iter().any(|scored| scored.id.kind() == *kind);
    let kinds: Vec<ContentKind> = ContentKind::ALL.iter().copied().filter(there).collect();
    mix::quotas(&kinds.iter().map(|kind| (*kind, viewer.profile.kind(*kind))).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use kernel::{ContentId, Timestamp, UserId};

    use super::*;
    use crate::{Profile, Source};

    #[test]
    fn only_what_may_be_read_is_ranked_and_a_new_viewers_page_is_not_blank() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let user = |n: i64| UserId::floor(Timestamp::from_millis(n));
        let candidates: Vec<Candidate> = (0..40)
            .map(|n| {
                let id = ContentId::new(ContentKind::Post, now);
                let readable = [None, Some(false), Some(true), Some(true)][n as usize % 4];
                Candidate { readable, ..Candidate::new(id, user(n), Source::Trending) }
            })
            .collect();
        let viewer = Viewer { id: user(100), now, profile: &Profile::default() };
        let model = Model::default();
        for scorer in [Scorer::Hand, Scorer::Learned(&model)] {
            let (ranked, left_out) = slate(&viewer, &candidates, scorer, &Rules::default(), &mut Dice::new(1));
            assert_eq!(ranked.len(), 20);
            assert!(ranked.iter().all(|item| candidates[item.index].readable == Some(true)));
            assert!(ranked.iter().all(|item| item.features.is_sound()));
            assert_eq!(left_out[&Dropped::Unreadable], 20);
            // In a community where nobody has said anything for a week.
            let viewer = Viewer { now: now.plus(std::time::Duration::from_secs(7 * 86_400)), ..viewer };
            assert_eq!(slate(&viewer, &candidates, scorer, &Rules::default(), &mut Dice::new(1)).0.len(), 20);
            let rules = Rules { length_min: 0, ..Rules::default() };
            let (ranked, left_out) = slate(&viewer, &candidates, scorer, &rules, &mut Dice::new(1));
            assert_eq!((ranked.len(), left_out[&Dropped::Old]), (0, 20));
        }
    }
}
