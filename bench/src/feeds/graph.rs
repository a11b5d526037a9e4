//! People who follow each other, write and read, made up after published figures.
//!
//! - Followings a person: log-normal around a median of 60, at most 5,000. Whom: by an attractiveness with a Pareto tail
//!   of 1.276, so that followers have the power law (exponent 2.276) of Kwak et al. (2010), in communities, with about a
//!   third of the follows returned.
//! - What is published a day: log-normal with σ = 2.1 and a little more for those with more followers, which lets a tenth of
//!   the people write 80 % of it, as Pew (2019) found.
//! - Opens of the feed: a quarter of the people eight times a day, a quarter every third day, half hardly ever.
//!
//! Everything follows from the seed.

use std::f64::consts::TAU;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const FOLLOWINGS_MEDIAN: f64 = 60.0;
const FOLLOWINGS_SIGMA: f64 = 1.2;
const FOLLOWINGS_MAX: usize = 5_000;
const ATTRACTION_TAIL: f64 = 1.276;
/// No one draws more than this part of all attention.
const ATTRACTION_SHARE_MAX: f64 = 0.02;
const COMMUNITY: usize = 600;
/// Follows within the own community.
const INSIDE: f64 = 0.7;
/// Follows that are returned on the spot; with those that meet by chance it becomes more.
const RETURNED: f64 = 0.2;
const RATE_SIGMA: f64 = 2.1;
const RATE_MAX: f64 = 200.0;
/// Posts, reels, livestreams and listings: what goes into timelines.
pub const KINDS: usize = 4;
const KINDS_MIX: [f64; KINDS] = [0.67, 0.24, 0.01, 0.08];
/// How much the mix differs from author to author.
const KINDS_SIGMA: f64 = 1.0;

pub struct Graph {
    /// Where each person's followings begin in `targets`; one more than there are people.
    begins: Vec<u32>,
    targets: Vec<u32>,
    pub followers: Vec<u32>,
    /// What each person publishes a day, by kind.
    pub rates: Vec<[f64; KINDS]>,
    /// How often each person opens the feed a day.
    pub opens: Vec<f64>,
}

impl Graph {
    /// `posts_per_day` is the mean over all people.
    pub fn generate(seed: u64, people: usize, posts_per_day: f64) -> Self {
        let mut dice = Dice(StdRng::seed_from_u64(seed));
        let (begins, targets) = follows(&mut dice, people);
        let mut followers = vec![0; people];
        for target in &targets {
            followers[*target as usize] += 1;
        }
        let rates = rates(&mut dice, &followers, posts_per_day);
        let opens = (0..people).map(|_| opens(&mut dice)).collect();
        Self { begins, targets, followers, rates, opens }
    }

    pub fn people(&self) -> usize {
        self.opens.len()
    }

    pub fn follows(&self) -> usize {
        self.targets.len()
    }

    pub fn followings(&self, person: usize) -> &[u32] {
        &self.targets[self.begins[person] as usize..self.begins[person + 1] as usize]
    }
}

/// Random numbers of the shapes that are needed.
pub struct Dice(pub StdRng);

impl Dice {
    pub fn part(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.part()).ln()).sqrt();
        radius * (TAU * self.part()).cos()
    }

    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// How often something happens that happens `mean` times on average.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.part(), 0);
        while product > limit {
            product *= self.part();
            count += 1;
        }
        count
    }
}

/// Draws from people by weight.
struct Draw {
    first: u32,
    sums: Vec<f64>,
}

impl Draw {
    fn new(first: usize, weights: &[f64]) -> Self {
        let mut sum = 0.0;
        let sums = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { first: first as u32, sums: sums.collect() }
    }

    fn one(&self, dice: &mut Dice) -> u32 {
        let at = dice.part() * self.sums.last().copied().unwrap_or(0.0);
        let found = self.sums.partition_point(|sum| *sum <= at);
        self.first + found.min(self.sums.len().saturating_sub(1)) as u32
    }
}

fn follows(dice: &mut Dice, people: usize) -> (Vec<u32>, Vec<u32>) {
    let mut weights: Vec<f64> = (0..people).map(|_| (1.0 - dice.part()).powf(-1.0 / ATTRACTION_TAIL)).collect();
    let most = weights.iter().sum::<f64>() * ATTRACTION_SHARE_MAX;
    weights.iter_mut().for_each(|weight| *weight = weight.min(most));
    let everybody = Draw::new(0, &weights);
    let communities: Vec<Draw> =
        weights.chunks(COMMUNITY).enumerate().map(|(nth, chunk)| Draw::new(nth * COMMUNITY, chunk)).collect();

    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); people];
    for person in 0..people {
        let wanted = dice.log_normal(FOLLOWINGS_MEDIAN, FOLLOWINGS_SIGMA) / (1.0 + RETURNED);
        for _ in 0..(wanted.max(1.0) as usize).min(FOLLOWINGS_MAX) {
            let from = if dice.part() < INSIDE { &communities[person / COMMUNITY] } else { &everybody };
            let target = from.one(dice);
            lists[person].push(target);
            if dice.part() < RETURNED {
                lists[target as usize].push(person as u32);
            }
        }
    }
    let (mut begins, mut targets) = (vec![0], Vec::new());
    for (person, list) in lists.iter_mut().enumerate() {
        list.retain(|target| *target != person as u32);
        list.sort_unstable();
        list.dedup();
        list.truncate(FOLLOWINGS_MAX);
        targets.extend_from_slice(list);
        begins.push(targets.len() as u32);
    }
    (begins, targets)
}

fn rates(dice: &mut Dice, followers: &[u32], mean: f64) -> Vec<[f64; KINDS]> {
    let raw: Vec<f64> =
        followers.iter().map(|count| dice.log_normal(1.0, RATE_SIGMA) * f64::from(1 + count).powf(0.15)).collect();
    let scale = mean * raw.len() as f64 / raw.iter().sum::<f64>();
    raw.into_iter()
        .map(|rate| {
            let mix = KINDS_MIX.map(|part| part * dice.log_normal(1.0, KINDS_SIGMA));
            let all: f64 = mix.iter().sum();
            mix.map(|part| (rate * scale).min(RATE_MAX) * part / all)
        })
        .collect()
}

fn opens(dice: &mut Dice) -> f64 {
    let typical = match dice.part() {
        part if part < 0.25 => 8.0,
        part if part < 0.5 => 0.3,
        _ => 0.01,
    };
    dice.log_normal(typical, 0.6)
}
