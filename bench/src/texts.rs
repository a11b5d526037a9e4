//! Numbers that look like chance, and texts that look like people's: the same in every run.

/// How many different words there are.
pub const WORDS: u64 = 200_000;

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

/// What a person might write: every other word one of those that are in everything.
pub fn prose(dice: &mut Dice, words: u64) -> String {
    const LITTLE: [&str; 16] =
        ["the", "and", "of", "to", "is", "was", "this", "that", "with", "for", "you", "are", "have", "not", "it", "my"];
    let word = |n: u64| match n % 2 {
        0 => LITTLE[dice.below(16) as usize].to_owned(),
        _ => word(dice.zipf(WORDS)),
    };
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}
