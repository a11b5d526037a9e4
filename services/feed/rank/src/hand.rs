//! The hand-weighted model: what is assumed until something is learned.

use crate::action::{Action, Heads};
use crate::tally::hours;
use crate::{Candidate, Viewer};

/// What an action goes by, besides its prior. All inputs are logarithms of ratios, so that 0 means "as usual".
struct Weights {
    item: f32,
    author: f32,
    affinity: f32,
    tags: f32,
    kind: f32,
    followed: f32,
    proof: f32,
    /// Per doubling of the hours since it was made.
    age: f32,
    other_language: f32,
    near: f32,
}

const LIKING: Weights = Weights {
    item: 0.7,
    author: 0.4,
    affinity: 0.6,
    tags: 0.6,
    kind: 0.4,
    followed: 0.4,
    proof: 0.3,
    age: -0.15,
    other_language: -1.0,
    near: 0.4,
};

/// What makes liking likelier makes hiding rarer; only how often others hid it counts as it is.
const HIDING: Weights = Weights {
    item: 0.7,
    author: 0.4,
    affinity: -0.4,
    tags: -0.4,
    kind: -0.3,
    followed: -0.5,
    proof: -0.2,
    age: 0.05,
    other_language: 0.7,
    near: -0.2,
};

/// The logit of each action.
#[must_use]
pub fn logits(viewer: &Viewer<'_>, candidate: &Candidate) -> Heads {
    let profile = viewer.profile;
    let affinity = profile.author(candidate.author);
    let (tags, kind) = (profile.tags(&candidate.tags), profile.kind(candidate.id.kind()));
    let age = (1.0 + hours(candidate.created_at, viewer.now)).log2();
    let proof = f32::from(candidate.proof).ln_1p();
    let near = candidate.metres.map_or(0.0, |metres| (-metres / 20_000.0).exp());
    let (item, author) = (candidate.item.lifts(), candidate.author_tally.lifts());
    let mut logits = [0.0; _];
    for action in Action::ALL {
        let by = if action == Action::Hide { &HIDING } else { &LIKING };
        let mut logit = logit(action.prior());
        logit += by.item * item[action.index()] + by.author * author[action.index()];
        logit += by.affinity * affinity + by.tags * tags + by.kind * kind + by.proof * proof + by.age * age;
        logit += if candidate.followed { by.followed } else { 0.0 };
        logit += if candidate.language == Some(false) { by.other_language } else { 0.0 };
        logits[action.index()] = logit + by.near * near;
    }
    logits
}

/// Probabilities of what [`logits`] says.
#[must_use]
pub fn probabilities(logits: &Heads) -> Heads {
    logits.map(sigmoid)
}

pub fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}

pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit.clamp(-30.0, 30.0)).exp())
}

#[cfg(test)]
mod tests {
    use kernel::{ContentId, ContentKind, Timestamp, UserId};

    use super::*;
    use crate::{Actions, Profile, Source, values};

    #[test]
    fn what_is_fresh_near_and_liked_by_friends_is_worth_more() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let [ada, ben] = [1, 2].map(|ms| UserId::floor(Timestamp::from_millis(ms)));
        let mut profile = Profile::default();
        let plain = Candidate::new(ContentId::new(ContentKind::Post, now), ben, Source::Trending);
        let worth = |profile: &Profile, candidate: &Candidate| {
            let viewer = Viewer { id: ada, now, profile };
            values::value(ContentKind::Post, &probabilities(&logits(&viewer, candidate)))
        };
        let usual = worth(&profile, &plain);
        let old = Candidate { created_at: now.minus(std::time::Duration::from_secs(86_400)), ..plain.clone() };
        assert!(worth(&profile, &old) < usual);
        assert!(worth(&profile, &Candidate { proof: 3, ..plain.clone() }) > usual);
        assert!(worth(&profile, &Candidate { metres: Some(100.0), ..plain.clone() }) > usual);
        assert!(worth(&profile, &Candidate { language: Some(false), ..plain.clone() }) < usual);
        profile.observe(ben, &[], ContentKind::Reel, Actions::default().with(Action::React), now);
        assert!(worth(&profile, &plain) > usual);
    }
}
