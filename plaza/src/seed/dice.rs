//! Chance that is the same every time, on every machine and with every version of every library.

/// SplitMix64: small, and good enough for who likes whom.
pub struct Dice(u64);

impl Dice {
    /// Dice of their own for one part of the plan, so that a change in another part does not roll through all of it.
    pub fn new(seed: u64, part: u64) -> Self {
        let mut dice = Self(seed ^ part.wrapping_mul(0xa076_1d64_78bd_642f));
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of `0..count`; 0 when there is nothing to choose from.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { (self.next() % count as u64) as usize }
    }

    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True `percent` times out of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    /// One of `0..count`, the first ones far more often: some people are known by everybody.
    pub fn popular(&mut self, count: usize) -> usize {
        let known = self.below(count);
        self.below(known + 1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_rolls_the_same_and_another_part_another() {
        let roll = |seed, part| (0..5).map(|_| Dice::new(seed, part).next()).collect::<Vec<_>>();
        assert_eq!(roll(1, 2), roll(1, 2));
        assert_ne!(roll(1, 2), roll(1, 3));
        // What the published generator rolls second for the seed 1: the first is spent on mixing in the part.
        assert_eq!(Dice::new(1, 0).next(), 0xbeeb_8da1_658e_ec67, "never changes");
    }
}
