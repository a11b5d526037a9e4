//! What the model sees of an item.

use kernel::{ContentKind, UserId};

use crate::action::{ACTIONS, Action, Heads};
use crate::candidate::Source;
use crate::dice::{hash_text, scramble};
use crate::tally::hours;
use crate::{Candidate, Viewer, hand};

/// Slots of the model. The first [`NUMBERED`] belong to features that have a number, all others are shared by hashes.
pub const SLOTS: usize = 1 << 18;
const NUMBERED: u32 = 256;
/// Features that an item has at most.
pub const FEATURES_MAX: usize = 72;
/// Hashtags of an item that are looked at.
pub const TAGS_MAX: usize = 3;
/// Places of a page that are told from each other; the last stands for all below.
const PLACES: u32 = 12;

/// The features by name, in the order of their numbers. Changing anything here, or the meaning of a feature, changes
/// [`schema`], and makes older models unreadable: they would read one thing as another.
const NUMERIC: [&str; 25] = [
    "bias",
    "age.log",
    "age.6h",
    "age.24h",
    "followed",
    "affinity.author",
    "affinity.tags",
    "affinity.kind",
    "author.seen",
    "proof",
    "item.shown",
    "author.shown",
    "language.same",
    "language.other",
    "near",
    "item.dwell",
    "item.react",
    "item.comment",
    "item.share",
    "item.hide",
    "author.dwell",
    "author.react",
    "author.comment",
    "author.hide",
    "tagged",
];
/// One of each of these is on.
const CHOICES: [(&str, u32); 4] = [("source", 8), ("kind", 16), ("age.bucket", 16), ("place", PLACES)];
const PLACE: usize = 3;
const CROSSES: [&str; 10] = [
    "author",
    "viewer",
    "viewer*author",
    "viewer*kind",
    "viewer*tag",
    "tag",
    "tag*kind",
    "author*kind",
    "kind*source",
    "kind*age",
];
/// Counts up when a feature means something else than before under the same name.
const REVISION: u64 = 1;

/// What tells models apart that were learned from other features.
#[must_use]
pub fn schema() -> u64 {
    let names = NUMERIC.into_iter().chain(CHOICES.map(|(name, _)| name)).chain(CROSSES);
    let hash = names.fold(REVISION, |hash, name| scramble(hash ^ hash_text(name)));
    scramble(hash ^ SLOTS as u64)
}

/// An item as the model sees it: what the hand-weighted model says of it, and features by slot. Logged when served.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Features {
    /// Logits of the hand-weighted model: the learned one corrects them.
    pub hand: Heads,
    pub slots: Vec<u32>,
    pub values: Vec<f32>,
}

impl Features {
    /// Of `candidate`, before it has a place.
    #[must_use]
    pub fn of(viewer: &Viewer<'_>, candidate: &Candidate) -> Self {
        let mut it = Self {
            hand: hand::logits(viewer, candidate),
            slots: Vec::with_capacity(FEATURES_MAX),
            values: Vec::with_capacity(FEATURES_MAX),
        };
        let age = hours(candidate.created_at, viewer.now);
        for (slot, value) in (0u32..).zip(numeric(viewer, candidate, age)) {
            it.push(slot, value);
        }
        let (kind, bucket) = (candidate.id.kind().number().unsigned_abs(), age_bucket(age));
        it.choose(0, source_number(candidate.source));
        it.choose(1, u32::from(kind));
        it.choose(2, bucket);
        it.crosses(viewer, candidate, u64::from(bucket));
        it
    }

    /// As it stands at `place` of a page, 0 the first.
    #[must_use]
    pub fn at_place(mut self, place: usize) -> Self {
        self.choose(PLACE, u32::try_from(place).unwrap_or(u32::MAX));
        self
    }

    fn crosses(&mut self, viewer: &Viewer<'_>, candidate: &Candidate, bucket: u64) {
        let kind = kind_key(candidate.id.kind());
        let (me, author) = (user_key(viewer.id), user_key(candidate.author));
        self.cross(0, author, 0);
        self.cross(1, me, 0);
        self.cross(2, me, author);
        self.cross(3, me, kind);
        let tags = &candidate.tags[..candidate.tags.len().min(TAGS_MAX)];
        let share = 1.0 / (tags.len() as f32).sqrt().max(1.0);
        for tag in tags {
            self.cross_by(4, me, *tag, share);
            self.cross_by(5, *tag, 0, share);
            self.cross_by(6, *tag, kind, share);
        }
        self.cross(7, author, kind);
        self.cross(8, kind, u64::from(source_number(candidate.source)));
        self.cross(9, kind, bucket);
    }

    fn push(&mut self, slot: u32, value: f32) {
        if value != 0.0 {
            self.slots.push(slot);
            self.values.push(value);
        }
    }

    /// Turns one of a choice's values on; what is beyond its last counts as the last.
    fn choose(&mut self, choice: usize, value: u32) {
        let before: u32 = CHOICES[..choice].iter().map(|(_, size)| size).sum();
        self.push(NUMERIC.len() as u32 + before + value.min(CHOICES[choice].1 - 1), 1.0);
    }

    fn cross(&mut self, cross: u64, a: u64, b: u64) {
        self.cross_by(cross, a, b, 1.0);
    }

    fn cross_by(&mut self, cross: u64, a: u64, b: u64, value: f32) {
        let hash = scramble(scramble(scramble(cross + 1) ^ a) ^ b);
        let slot = NUMBERED + (hash % (SLOTS as u64 - u64::from(NUMBERED))) as u32;
        self.push(slot, value);
    }

    /// Whether a model may be asked about it: what was stored may be of anybody.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let finite = self.values.iter().chain(&self.hand).all(|value| value.is_finite());
        let inside = self.slots.iter().all(|slot| (*slot as usize) < SLOTS);
        finite && inside && self.slots.len() == self.values.len() && self.slots.len() <= FEATURES_MAX
    }

    /// As bytes, for the log: numbers in little-endian order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.hand.iter().flat_map(|number| number.to_le_bytes()).collect();
        for (slot, value) in self.slots.iter().zip(&self.values) {
            bytes.extend(slot.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    /// What [`Features::to_bytes`] wrote, if it is of use to a model.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let (hand, pairs) = numbers.split_at_checked(ACTIONS)?;
        let mut it = Self::default();
        for (number, bytes) in it.hand.iter_mut().zip(hand) {
            *number = f32::from_le_bytes(*bytes);
        }
        for pair in pairs.chunks(2) {
            let [slot, value] = pair else { return None };
            it.slots.push(u32::from_le_bytes(*slot));
            it.values.push(f32::from_le_bytes(*value));
        }
        (rest.is_empty() && it.is_sound()).then_some(it)
    }

    /// The slot that is on for what stands at the top of a page.
    pub(crate) fn first_place() -> usize {
        NUMERIC.len() + CHOICES[..PLACE].iter().map(|(_, size)| *size as usize).sum::<usize>()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        self.slots.iter().map(|slot| *slot as usize).zip(self.values.iter().copied())
    }
}

fn numeric(viewer: &Viewer<'_>, candidate: &Candidate, age: f32) -> [f32; NUMERIC.len()] {
    let profile = viewer.profile;
    let (item, author) = (candidate.item.lifts(), candidate.author_tally.lifts());
    let of = |lifts: &Heads, action: Action| lifts[action.index()];
    [
        1.0,
        (1.0 + age).log2() / 8.0,
        (-age / 6.0).exp(),
        (-age / 24.0).exp(),
        f32::from(u8::from(candidate.followed)),
        profile.author(candidate.author),
        profile.tags(&candidate.tags),
        profile.kind(candidate.id.kind()),
        profile.seen_of(candidate.author).ln_1p() / 4.0,
        f32::from(candidate.proof).ln_1p(),
        candidate.item.shown.ln_1p() / 8.0,
        candidate.author_tally.shown.ln_1p() / 8.0,
        f32::from(u8::from(candidate.language == Some(true))),
        f32::from(u8::from(candidate.language == Some(false))),
        candidate.metres.map_or(0.0, |metres| (-metres / 20_000.0).exp()),
        of(&item, Action::Dwell),
        of(&item, Action::React),
        of(&item, Action::Comment),
        of(&item, Action::Share),
        of(&item, Action::Hide),
        of(&author, Action::Dwell),
        of(&author, Action::React),
        of(&author, Action::Comment),
        of(&author, Action::Hide),
        f32::from(u8::from(!candidate.tags.is_empty())),
    ]
}

/// Of a hashtag: what [`Candidate::tags`] holds.
#[must_use]
pub const fn tag_key(tag: &str) -> u64 {
    scramble(hash_text(tag))
}

fn user_key(user: UserId) -> u64 {
    let bits = user.uuid().as_u128();
    scramble((bits >> 64) as u64) ^ bits as u64
}

fn kind_key(kind: ContentKind) -> u64 {
    u64::from(kind.number().unsigned_abs())
}

/// Never changes for a source that is there.
const fn source_number(source: Source) -> u32 {
    source as u32
}

/// 0 below an hour, then doubling.
fn age_bucket(hours: f32) -> u32 {
    (1.0 + hours.max(0.0)).log2().floor() as u32
}

#[cfg(test)]
mod tests {
    use kernel::{ContentId, Timestamp};

    use super::*;
    use crate::Profile;

    fn candidate() -> (UserId, Timestamp, Candidate) {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let [ada, ben] = [1, 2].map(|ms| UserId::floor(Timestamp::from_millis(ms)));
        let id = ContentId::floor(ContentKind::Reel, now);
        let tags = (0..9).map(|n| tag_key(&n.to_string())).collect();
        (ada, now, Candidate { tags, proof: u16::MAX, metres: Some(0.0), ..Candidate::new(id, ben, Source::NewAuthor) })
    }

    #[test]
    fn features_are_within_their_limits_and_the_same_each_time() {
        let (id, now, candidate) = candidate();
        let viewer = Viewer { id, now, profile: &Profile::default() };
        let features = Features::of(&viewer, &candidate).at_place(usize::MAX);
        assert!(features.is_sound(), "{features:?}");
        assert_eq!(features, Features::of(&viewer, &candidate).at_place(99));
        assert_ne!(features, Features::of(&viewer, &candidate).at_place(0));
        let bytes = features.to_bytes();
        assert_eq!(Features::from_bytes(&bytes), Some(features));
        for cut in [0, 5, 23, 27, 28, bytes.len() - 1] {
            assert_eq!(Features::from_bytes(&bytes[..cut]), None, "{cut}");
        }
        let numbered = NUMERIC.len() as u32 + CHOICES.iter().map(|(_, size)| size).sum::<u32>();
        assert!(numbered <= NUMBERED);
    }

    #[test]
    fn unsound_features_are_known() {
        let bad = |slots: Vec<u32>, values: Vec<f32>| Features { hand: [0.0; 6], slots, values };
        assert!(bad(vec![1], vec![1.0]).is_sound());
        assert!(!bad(vec![SLOTS as u32], vec![1.0]).is_sound());
        assert!(!bad(vec![1], vec![f32::NAN]).is_sound());
        assert!(!bad(vec![1], vec![]).is_sound());
        assert!(!bad(vec![1; FEATURES_MAX + 1], vec![1.0; FEATURES_MAX + 1]).is_sound());
    }

    /// When this fails, what features mean has changed: models that were learned before do not fit any more. Put the new
    /// number here knowing that they will be learned anew.
    #[test]
    fn the_schema_is_what_stored_models_were_learned_with() {
        assert_eq!(schema(), 3_521_984_618_834_701_292);
    }
}
