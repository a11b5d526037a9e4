//! Documents and questions that look like a community's, the same in every run.

use std::sync::Arc;

use index::{Document, Kind, Language, Place};
use kernel::Timestamp;
use uuid::Uuid;

pub const POST: Kind = Kind::new("post");
pub const PERSON: Kind = Kind::new("person");
/// One document in so many is a person, the others are posts.
const PERSON_EVERY: u64 = 5;
/// How many different words there are.
const WORDS: u64 = 200_000;
/// How many words a post has, at least, and how many more at most.
const WORDS_MIN: u64 = 8;
const WORDS_MORE: u64 = 40;
/// Where people live: towns of different sizes, all over the map.
const TOWNS: u64 = 2_000;
/// How far a town reaches, in degrees.
const TOWN_DEGREES: f64 = 0.2;
const NOW_MS: i64 = 1_800_000_000_000;
const YEAR_MS: u64 = 365 * 86_400_000;

/// Numbers that look like chance (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// 0 to `end`, the n-th about n times as rare as the first: how words, towns and likes are spread (Zipf).
    pub fn zipf(&mut self, end: u64) -> u64 {
        ((end as f64).powf(self.share()) - 1.0) as u64
    }
}

pub const fn now() -> Timestamp {
    Timestamp::from_millis(NOW_MS)
}

/// The n-th most frequent word.
pub fn word(n: u64) -> String {
    const HEADS: [&str; 20] =
        ["b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "st", "tr", "sch"];
    const TAILS: [&str; 10] = ["a", "e", "i", "o", "u", "an", "er", "in", "ol", "us"];
    let mut rest = n + 200;
    let mut word = String::new();
    while rest > 0 {
        let syllable = (rest % 200) as usize;
        word.push_str(HEADS[syllable / 10]);
        word.push_str(TAILS[syllable % 10]);
        rest /= 200;
    }
    word
}

pub fn text(dice: &mut Dice, words: u64) -> String {
    let words: Vec<String> = (0..words).map(|_| word(dice.zipf(WORDS))).collect();
    words.join(" ")
}

/// Somewhere in a town; large towns are likelier.
pub fn place(dice: &mut Dice) -> Place {
    let mut town = Dice::new(dice.zipf(TOWNS) ^ 0x70_3417);
    let (latitude, longitude) = (town.share() * 140.0 - 60.0, town.share() * 360.0 - 180.0);
    let off = |dice: &mut Dice| (dice.share() + dice.share() - 1.0) * TOWN_DEGREES;
    let (latitude, longitude) = (latitude + off(dice), longitude + off(dice));
    Place::new(latitude.clamp(-90.0, 90.0), longitude.clamp(-180.0, 180.0)).expect("it was clamped")
}

/// The n-th document. Of posts, half have a place and one in ten is for a room.
pub fn document(n: u64) -> (Kind, Arc<Document>) {
    let mut dice = Dice::new(n.wrapping_mul(0xa076_1d64_78bd_642f));
    let id = Uuid::from_u128(u128::from(n) << 64 | u128::from(dice.roll())).to_string();
    let person = n.is_multiple_of(PERSON_EVERY);
    let created_at = Timestamp::from_millis(NOW_MS - dice.below(2 * YEAR_MS) as i64);
    let mut document = Document {
        id,
        names: Vec::new(),
        text: String::new(),
        language: Language::parse("en").ok(),
        tags: Vec::new(),
        author: Some(Uuid::from_u128(u128::from(dice.zipf(100_000)))),
        audience: "public".to_owned(),
        place: None,
        popularity: dice.zipf(100_000) as f64,
        created_at,
    };
    if person {
        let (first, last) = (word(dice.zipf(20_000)), word(dice.zipf(WORDS)));
        document.names = vec![format!("{first}_{}", dice.below(1000)), format!("{first} {last}")];
        document.text = text(&mut dice, 6);
        return (PERSON, Arc::new(document));
    }
    let words = WORDS_MIN + dice.below(WORDS_MORE);
    document.text = text(&mut dice, words);
    document.tags = (0..dice.below(3)).map(|_| word(dice.zipf(WORDS))).collect();
    if dice.below(10) == 0 {
        document.audience = format!("room:{}", dice.zipf(10_000));
    }
    if dice.below(2) == 0 {
        document.place = Some(place(&mut dice));
    }
    (POST, Arc::new(document))
}
