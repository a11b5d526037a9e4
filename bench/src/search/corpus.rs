//! Documents and questions that look like a community's, the same in every run.

use std::sync::Arc;

use index::{Document, Kind, Language, Place};
use kernel::Timestamp;
use uuid::Uuid;

use crate::texts::{Dice, WORDS, text, word};

pub const POST: Kind = Kind::new("post");
pub const PERSON: Kind = Kind::new("person");
/// One document in so many is a person, the others are posts.
const PERSON_EVERY: u64 = 5;
/// How many words a post has, at least, and how many more at most.
const WORDS_MIN: u64 = 8;
const WORDS_MORE: u64 = 40;
/// Where people live: towns of different sizes, all over the map.
const TOWNS: u64 = 2_000;
/// How far a town reaches, in degrees.
const TOWN_DEGREES: f64 = 0.2;
const NOW_MS: i64 = 1_800_000_000_000;
const YEAR_MS: u64 = 365 * 86_400_000;

pub const fn now() -> Timestamp {
    Timestamp::from_millis(NOW_MS)
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
