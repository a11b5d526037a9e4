//! What a ranking is judged by.

use std::collections::HashMap;

use rank::Dice;

/// Resamplings behind a confidence interval.
const RESAMPLES: usize = 1_000;

/// Normalised discounted cumulative gain of the first `at` of `gains`, which are in the order of the ranking; gains below
/// nothing count as nothing.
pub fn ndcg(gains: &[f32], at: usize) -> f64 {
    let discounted = |gains: &[f32]| -> f64 {
        let gain = |(place, gain): (usize, &f32)| f64::from(gain.max(0.0)) / (place as f64 + 2.0).log2();
        gains.iter().take(at).enumerate().map(gain).sum()
    };
    let mut ideal = gains.to_vec();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let best = discounted(&ideal);
    if best > 0.0 { discounted(gains) / best } else { 1.0 }
}

/// How unequally `counts` are spread: 0 all the same, 1 one has all.
pub fn gini(counts: &[u64]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let (count, total) = (sorted.len() as f64, sorted.iter().sum::<u64>() as f64);
    if total == 0.0 {
        return 0.0;
    }
    let ranked: f64 = (1u32..).zip(&sorted).map(|(rank, value)| f64::from(rank) * *value as f64).sum();
    2.0 * ranked / (count * total) - (count + 1.0) / count
}

/// Expected calibration error: how far predicted probabilities are from what happened, over ten groups of equal size,
/// relative to how often it happens at all.
pub fn calibration(mut predicted: Vec<(f32, bool)>) -> f64 {
    if predicted.is_empty() {
        return 0.0;
    }
    predicted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let happened = predicted.iter().filter(|(_, happened)| *happened).count() as f64;
    let groups = predicted.chunks(predicted.len().div_ceil(10));
    let off = |group: &[(f32, bool)]| {
        let sum: f64 = group.iter().map(|(p, _)| f64::from(*p)).sum();
        (sum - group.iter().filter(|(_, happened)| *happened).count() as f64).abs()
    };
    groups.map(off).sum::<f64>() / happened.max(1.0)
}

/// Means by person of a figure, for a paired comparison.
#[derive(Default)]
pub struct ByPerson(HashMap<usize, (f64, u32)>);

impl ByPerson {
    pub fn add(&mut self, person: usize, figure: f64) {
        let (sum, count) = self.0.entry(person).or_default();
        *sum += figure;
        *count += 1;
    }

    fn means(&self) -> Vec<(usize, f64)> {
        let mut means: Vec<(usize, f64)> =
            self.0.iter().map(|(person, (sum, count))| (*person, sum / f64::from(*count))).collect();
        means.sort_unstable_by_key(|(person, _)| *person);
        means
    }

    pub fn mean(&self) -> f64 {
        let means = self.means();
        means.iter().map(|(_, mean)| mean).sum::<f64>() / means.len().max(1) as f64
    }
}

/// By how much `a` is better than `b`, as a share of `b`, and its 95 % interval by resampling people.
pub struct Gain {
    pub by: f64,
    pub low: f64,
    pub high: f64,
}

impl Gain {
    pub fn of(a: &ByPerson, b: &ByPerson) -> Self {
        let pairs: Vec<(f64, f64)> = a.means().into_iter().zip(b.means()).map(|((_, a), (_, b))| (a, b)).collect();
        let ratio = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
            let (a, b) = pairs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
            if b > 0.0 { a / b - 1.0 } else { 0.0 }
        };
        let mut dice = Dice::new(7);
        let mut resampled: Vec<f64> =
            (0..RESAMPLES).map(|_| ratio(&mut (0..pairs.len()).map(|_| pairs[dice.below(pairs.len())]))).collect();
        resampled.sort_by(f64::total_cmp);
        let at = |share: f64| resampled[(share * (RESAMPLES - 1) as f64) as usize];
        Self { by: ratio(&mut pairs.iter().copied()), low: at(0.025), high: at(0.975) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_known_values() {
        assert!((ndcg(&[3.0, 2.0, 1.0], 20) - 1.0).abs() < 1e-9);
        assert!((ndcg(&[0.0, 1.0], 20) - 1.0 / 3f64.log2()).abs() < 1e-6);
        assert!((ndcg(&[-1.0, 0.0], 20) - 1.0).abs() < 1e-9);
        assert!(gini(&[5, 5, 5, 5]).abs() < 1e-9);
        assert!((gini(&[0, 0, 0, 8]) - 0.75).abs() < 1e-9);
        let perfect = (0..1000).map(|n| (0.5, n % 2 == 0)).collect();
        assert!(calibration(perfect) < 1e-6);
        assert!((calibration((0..1000).map(|_| (0.5, true)).collect()) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_gain_is_paired_by_person() {
        let (mut a, mut b) = (ByPerson::default(), ByPerson::default());
        for person in 0..50 {
            a.add(person, 1.1 * person as f64);
            b.add(person, person as f64);
        }
        let gain = Gain::of(&a, &b);
        assert!((gain.by - 0.1).abs() < 1e-9 && gain.low > 0.099 && gain.high < 0.101);
    }
}
