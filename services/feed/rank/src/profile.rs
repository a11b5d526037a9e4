//! What a viewer likes, as far as it was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{ContentKind, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::action::Actions;
use crate::tally::left;
use crate::{Action, values};

/// After this long, an interaction counts half.
const HALF_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);
/// Authors and hashtags that are remembered; the least important are forgotten.
pub const AUTHORS_MAX: usize = 128;
pub const TAGS_MAX: usize = 128;
/// How many views the viewer's average counts for.
const PRIOR_VIEWS: f32 = 8.0;
/// What a view brings on average, before anything is known of a viewer.
const GAIN_PRIOR: f32 = 0.06;

/// How much was seen of something, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Interest {
    #[serde(rename = "s")]
    pub shown: f32,
    #[serde(rename = "g")]
    pub gained: f32,
}

impl Interest {
    fn add(&mut self, gained: f32) {
        self.shown += 1.0;
        self.gained += gained;
    }

    /// The logarithm of how much more it brings than the viewer's average.
    fn lift(self, average: f32) -> f32 {
        let average = average.max(1e-4);
        let rate = (self.gained.max(0.0) + PRIOR_VIEWS * average) / (self.shown + PRIOR_VIEWS);
        (rate / average).ln()
    }

    fn fade(&mut self, left: f32) {
        self.shown *= left;
        self.gained *= left;
    }
}

/// Decayed interactions of one viewer: with authors, hashtags (by their hashes), and kinds of content.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    at: Timestamp,
    all: Interest,
    authors: BTreeMap<UserId, Interest>,
    tags: BTreeMap<u64, Interest>,
    kinds: BTreeMap<ContentKind, Interest>,
}

impl Profile {
    /// Learns what came of showing an item.
    pub fn observe(&mut self, author: UserId, tags: &[u64], kind: ContentKind, actions: Actions, now: Timestamp) {
        self.fade(now);
        let gained = gain(kind, actions);
        self.all.add(gained);
        self.authors.entry(author).or_default().add(gained);
        for tag in tags {
            self.tags.entry(*tag).or_default().add(gained);
        }
        self.kinds.entry(kind).or_default().add(gained);
        forget(&mut self.authors, AUTHORS_MAX);
        forget(&mut self.tags, TAGS_MAX);
    }

    fn fade(&mut self, now: Timestamp) {
        let age = now.since(self.at);
        // Not for every item: an hour changes nothing.
        if age < Duration::from_secs(3600) {
            return;
        }
        let left = left(age, HALF_LIFE);
        self.at = now;
        self.all.fade(left);
        let all = self.authors.values_mut().chain(self.tags.values_mut()).chain(self.kinds.values_mut());
        all.for_each(|interest| interest.fade(left));
    }

    fn average(&self) -> f32 {
        (self.all.gained.max(0.0) + 20.0 * GAIN_PRIOR) / (self.all.shown + 20.0)
    }

    /// How much more than average the author brings this viewer, as a logarithm; 0 when unknown.
    #[must_use]
    pub fn author(&self, author: UserId) -> f32 {
        self.authors.get(&author).map_or(0.0, |interest| interest.lift(self.average()))
    }

    /// How often the author was seen, fading.
    #[must_use]
    pub fn seen_of(&self, author: UserId) -> f32 {
        self.authors.get(&author).map_or(0.0, |interest| interest.shown)
    }

    /// The same of a set of hashtags: their mean.
    #[must_use]
    pub fn tags(&self, tags: &[u64]) -> f32 {
        if tags.is_empty() {
            return 0.0;
        }
        let average = self.average();
        let lifts = tags.iter().map(|tag| self.tags.get(tag).map_or(0.0, |interest| interest.lift(average)));
        lifts.sum::<f32>() / tags.len() as f32
    }

    #[must_use]
    pub fn kind(&self, kind: ContentKind) -> f32 {
        self.kinds.get(&kind).map_or(0.0, |interest| interest.lift(self.average()))
    }

    /// Hashtags that bring more than average, the best first.
    #[must_use]
    pub fn favourite_tags(&self, limit: usize) -> Vec<u64> {
        let average = self.average();
        let mut tags: Vec<(u64, f32)> = self.tags.iter().map(|(tag, it)| (*tag, it.lift(average))).collect();
        tags.retain(|(_, lift)| *lift > 0.0);
        tags.sort_by(|a, b| b.1.total_cmp(&a.1));
        tags.into_iter().take(limit).map(|(tag, _)| tag).collect()
    }

    /// The same of authors.
    #[must_use]
    pub fn favourite_authors(&self, limit: usize) -> Vec<UserId> {
        let average = self.average();
        let mut authors: Vec<(UserId, f32)> = self.authors.iter().map(|(id, it)| (*id, it.lift(average))).collect();
        authors.retain(|(_, lift)| *lift > 0.0);
        authors.sort_by(|a, b| b.1.total_cmp(&a.1));
        authors.into_iter().take(limit).map(|(author, _)| author).collect()
    }

    /// How much was seen in all, fading.
    #[must_use]
    pub const fn seen(&self) -> f32 {
        self.all.shown
    }
}

/// What an outcome is worth, beyond having been seen.
fn gain(kind: ContentKind, actions: Actions) -> f32 {
    let weights = values::weights(kind);
    // What is rare weighs so much that one of them would drown a hundred dwells: a profile counts them less.
    actions
        .iter()
        .map(|action| weights[action.index()].clamp(-3.0, 3.0) * if action == Action::Dwell { 1.0 } else { 0.7 })
        .sum()
}

/// Keeps the most important `max`; a few more are tolerated, so that it is not done for every item.
fn forget<K: Ord + Copy>(interests: &mut BTreeMap<K, Interest>, max: usize) {
    if interests.len() < max + max / 4 {
        return;
    }
    let weight = |it: &Interest| it.shown + 20.0 * it.gained.abs();
    let mut by_weight: Vec<(K, f32)> = interests.iter().map(|(key, it)| (*key, weight(it))).collect();
    by_weight.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (key, _) in &by_weight[max..] {
        interests.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: i64) -> UserId {
        UserId::floor(Timestamp::from_millis(n))
    }

    #[test]
    fn what_is_liked_rises_and_what_is_hidden_sinks() {
        let mut profile = Profile::default();
        let now = Timestamp::from_millis(1_000_000_000);
        let (liked, hidden) = (Actions::default().with(Action::React), Actions::default().with(Action::Hide));
        for _ in 0..5 {
            profile.observe(user(1), &[7], ContentKind::Post, liked, now);
            profile.observe(user(2), &[8], ContentKind::Reel, hidden, now);
        }
        assert!(profile.author(user(1)) > 0.0 && profile.author(user(2)) < 0.0);
        assert!(profile.tags(&[7]) > 0.0 && profile.tags(&[8]) < 0.0);
        assert!(profile.kind(ContentKind::Post) > profile.kind(ContentKind::Reel));
        assert_eq!((profile.author(user(3)), profile.tags(&[9])), (0.0, 0.0));
        assert_eq!((profile.favourite_tags(5), profile.favourite_authors(5)), (vec![7], vec![user(1)]));
    }

    #[test]
    fn a_profile_has_a_limit_and_keeps_what_matters() {
        let mut profile = Profile::default();
        let now = Timestamp::from_millis(1_000_000_000);
        for n in 0..1_000 {
            let actions = if n == 3 { Actions::default().with(Action::Comment) } else { Actions::default() };
            profile.observe(user(n), &[n.unsigned_abs()], ContentKind::Post, actions, now);
        }
        assert!(profile.authors.len() < AUTHORS_MAX + AUTHORS_MAX / 4);
        assert!(profile.tags.len() < TAGS_MAX + TAGS_MAX / 4);
        assert!(profile.author(user(3)) > 0.0);
        let json = serde_json::to_value(&profile).unwrap();
        assert_eq!(serde_json::from_value::<Profile>(json).unwrap(), profile);
    }
}
