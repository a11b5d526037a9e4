//! From scores to a slate: what a page looks like as a whole.

use std::collections::{HashMap, HashSet};

use kernel::{ContentId, ContentKind, UserId};

use crate::Dice;

/// How a slate is mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Items of the slate.
    pub length: usize,
    /// When fewer than this would be left, old items are ranked too: a quiet community has a feed as well.
    pub length_min: usize,
    /// What a further item of the same author counts, each time again, and the least that it comes to.
    pub author_decay: f32,
    pub author_floor: f32,
    /// Items of one kind that may follow each other, as long as there is another kind.
    pub run_max: usize,
    /// In each [`WINDOW`] slots, one may be given to an author who is little known yet.
    pub cold_start: bool,
    /// The share of slots that is drawn at random, for the sake of learning.
    pub explore: f32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            length: 200,
            length_min: WINDOW,
            author_decay: 0.5,
            author_floor: 0.25,
            run_max: 3,
            cold_start: true,
            explore: 0.02,
        }
    }
}

/// Slots over which quotas are counted: about a page.
pub const WINDOW: usize = 20;
/// The slot of each window that is an unknown author's: seen by most, first for nobody.
pub const COLD_START_SLOT: usize = 7;
/// The share of a window that any kind may take however little the viewer likes it, and however much.
const QUOTA_MIN: f32 = 0.15;
const QUOTA_MAX: f32 = 0.8;

/// An item with what it is worth to the viewer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub id: ContentId,
    pub author: UserId,
    pub conversation: ContentId,
    pub value: f32,
    /// How often its author was shown to anybody lately, when that is little: the item may take a cold-start slot, and is
    /// chosen by a draw from what is believed of it.
    pub cold: Option<Belief>,
}

/// What is believed of an unknown author's item: its value, and how unsure that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    pub mean: f32,
    pub deviation: f32,
}

/// Why an item has its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Ranked,
    ColdStart,
    Random,
}

/// An item on its slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Its place among what was given.
    pub index: usize,
    pub slot: Slot,
    /// The chance that it had of this slot, given those before.
    pub propensity: f32,
}

/// The share of slots that each kind may take: twice what the viewer's liking of it gives it, within bounds.
#[must_use]
pub fn quotas(likings: &[(ContentKind, f32)]) -> HashMap<ContentKind, f32> {
    let total: f32 = likings.iter().map(|(_, lift)| lift.exp()).sum();
    likings.iter().map(|(kind, lift)| (*kind, (2.0 * lift.exp() / total).clamp(QUOTA_MIN, QUOTA_MAX))).collect()
}

/// The slate, slot by slot: the best of what is left, less for authors who are there already; no kind beyond its quota or
/// in long runs, as long as something else is left; one item of a conversation; now and then one at random.
#[must_use]
pub fn arrange(items: &[Scored], quotas: &HashMap<ContentKind, f32>, rules: &Rules, dice: &mut Dice) -> Vec<Placed> {
    let mut left: Vec<usize> = (0..items.len()).collect();
    let mut slate: Vec<Placed> = Vec::with_capacity(rules.length.min(items.len()));
    let mut page = Page::default();
    while slate.len() < rules.length {
        left.retain(|index| !page.conversations.contains(&items[*index].conversation));
        if left.is_empty() {
            break;
        }
        let (chosen, slot, propensity) = page.choose(items, &left, slate.len(), quotas, rules, dice);
        slate.push(Placed { index: chosen, slot, propensity });
        left.retain(|index| *index != chosen);
        page.take(&items[chosen]);
    }
    slate
}

/// What is on the slate so far.
#[derive(Default)]
struct Page {
    authors: HashMap<UserId, u32>,
    conversations: HashSet<ContentId>,
    kinds: Vec<ContentKind>,
}

impl Page {
    fn choose(
        &self,
        items: &[Scored],
        left: &[usize],
        place: usize,
        quotas: &HashMap<ContentKind, f32>,
        rules: &Rules,
        dice: &mut Dice,
    ) -> (usize, Slot, f32) {
        let random = rules.explore / left.len() as f32;
        if dice.share() < rules.explore {
            return (left[dice.below(left.len())], Slot::Random, random);
        }
        let ranked = 1.0 - rules.explore + random;
        if rules.cold_start
            && place % WINDOW == COLD_START_SLOT
            && let Some(index) = self.coldest(items, left, dice)
        {
            return (index, Slot::ColdStart, ranked);
        }
        let worth = |index: usize| worth(items[index].value) * self.decay(items[index].author, rules);
        let best = |fits: &dyn Fn(ContentKind) -> bool| {
            let fitting = left.iter().copied().filter(|index| fits(items[*index].id.kind()));
            // The id decides between equals, so that the same scores make the same slate.
            fitting.max_by(|a, b| worth(*a).total_cmp(&worth(*b)).then(items[*a].id.cmp(&items[*b].id)))
        };
        let index = best(&|kind| !self.runs_on(kind, rules) && !self.is_full(kind, quotas))
            .or_else(|| best(&|kind| !self.runs_on(kind, rules)))
            .or_else(|| best(&|_| true));
        // `left` is never empty here.
        (index.unwrap_or(left[0]), Slot::Ranked, ranked)
    }

    /// The unknown author's item that wins a draw from what is believed of each (Thompson sampling).
    fn coldest(&self, items: &[Scored], left: &[usize], dice: &mut Dice) -> Option<usize> {
        let fresh = left.iter().filter(|index| !self.authors.contains_key(&items[**index].author));
        let draws = fresh.filter_map(|index| {
            let belief = items[*index].cold?;
            Some((*index, belief.mean + belief.deviation * dice.normal()))
        });
        draws.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
    }

    fn decay(&self, author: UserId, rules: &Rules) -> f32 {
        let there = self.authors.get(&author).copied().unwrap_or(0);
        let power = rules.author_decay.powi(i32::try_from(there).unwrap_or(i32::MAX));
        (1.0 - rules.author_floor) * power + rules.author_floor
    }

    fn runs_on(&self, kind: ContentKind, rules: &Rules) -> bool {
        self.kinds.len() >= rules.run_max && self.kinds.iter().rev().take(rules.run_max).all(|last| *last == kind)
    }

    fn is_full(&self, kind: ContentKind, quotas: &HashMap<ContentKind, f32>) -> bool {
        let quota = quotas.get(&kind).copied().unwrap_or(QUOTA_MAX) * WINDOW as f32;
        let window = self.kinds.len() / WINDOW * WINDOW;
        let there = self.kinds[window..].iter().filter(|other| **other == kind).count();
        there as f32 + 1.0 > quota
    }

    fn take(&mut self, item: &Scored) {
        *self.authors.entry(item.author).or_default() += 1;
        self.conversations.insert(item.conversation);
        self.kinds.push(item.id.kind());
    }
}

/// A positive number in the order of values, so that decaying it always makes it less. Harm is compressed to near nothing.
fn worth(value: f32) -> f32 {
    const NEUTRAL: f32 = 0.001;
    if value >= 0.0 { value + NEUTRAL } else { NEUTRAL / (1.0 - value) }
}

#[cfg(test)]
#[path = "mix_tests.rs"]
mod tests;
