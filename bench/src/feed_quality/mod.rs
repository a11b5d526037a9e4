//! `bench feed-quality`: how well the feed is ranked, in a generated world where the truth is known, and on MovieLens-100k.
//!
//! ## Decisions
//! - **What is judged is what serves**: the crate `rank`, fed by sources like those of the feed. The world replaces the stores.
//! - **The pages that people act on are the learned ranker's own**, from the first day on, random slots included. So the
//!   counters that all rankers see come from the same history.
//! - **All rankers get the same candidates** at the same moment, in the days after the ones that are only learned from. What
//!   people do in these days is learned too, as it would be; nothing is known of what comes later.
//! - **Gain is the true utility**: the weighed true probabilities of what a viewer would do who looks at the item.
//! - **Calibration** compares predictions for the place where an item stood with what was done there, before learning it.

mod community;
mod metrics;
mod movielens;
mod rankers;
mod world;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use clap::Args;
use rank::{Action, Dice};

use self::community::{Community, PAGE};
use self::metrics::{ByPerson, Gain, calibration, gini, ndcg};
use self::rankers::{Ranker, score};
use self::world::{World, moment};
use crate::report::Table;

/// One in so many opens of the judged days is judged.
const JUDGED_EVERY: usize = 3;
/// How deep the first stage is judged, and how many of the best it has to hold.
const RECALL_AT: usize = 200;
const RECALL_OF: usize = 50;
/// By how much the learned ranker has to beat the best baseline.
const BAR: f64 = 0.05;

#[derive(Args)]
pub struct Options {
    /// A world each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
    #[arg(long, default_value_t = 2_000)]
    people: usize,
    /// Days in which the ranker learns, before those in which it is judged.
    #[arg(long, default_value_t = 12)]
    days: usize,
    #[arg(long, default_value_t = 2)]
    judged_days: usize,
    /// MovieLens-100k as `bench/movielens.py` writes it. Left out when absent.
    #[arg(long)]
    movielens: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub fn run(options: &Options) -> Result<(), Failure> {
    let mut kept = true;
    for seed in &options.seeds {
        kept &= judge(*seed, options);
    }
    if let Some(folder) = &options.movielens {
        kept &= movielens::run(folder)?;
    }
    println!("\n{}", if kept { "every bar is kept" } else { "a bar is MISSED" });
    if kept { Ok(()) } else { Err("a bar is missed".into()) }
}

/// What is counted of one ranker.
#[derive(Default)]
struct Figures {
    ndcg: ByPerson,
    recall: ByPerson,
    items: HashSet<usize>,
    authors: HashMap<usize, u64>,
    new: u64,
    slots: u64,
}

impl Figures {
    fn add(&mut self, person: usize, order: &[usize], judged: &Judged<'_>) {
        let gains: Vec<f32> = order.iter().map(|at| judged.gains[*at]).collect();
        // A page that holds a part is measured against the best of all candidates.
        let rest = (0..judged.gains.len()).filter(|at| !order.contains(at)).map(|at| judged.gains[at]);
        let rest: Vec<f32> = if order.len() < judged.gains.len() { rest.collect() } else { Vec::new() };
        self.ndcg.add(person, ndcg(&[gains, rest].concat(), PAGE));
        let top: HashSet<usize> = order.iter().take(RECALL_AT).map(|at| judged.candidates[*at].0).collect();
        let found = judged.best.iter().filter(|item| top.contains(item)).count();
        self.recall.add(person, found as f64 / judged.best.len().max(1) as f64);
        for at in order.iter().take(PAGE) {
            let (n, candidate) = &judged.candidates[*at];
            self.items.insert(*n);
            *self.authors.entry(judged.community.world.items[*n].author).or_default() += 1;
            self.new += u64::from(candidate.author_tally.shown < rank::slate::COLD_SHOWN_MAX);
            self.slots += 1;
        }
    }
}

/// One open of the feed that is judged.
struct Judged<'a> {
    community: &'a Community<'a>,
    candidates: Vec<(usize, rank::Candidate)>,
    /// The true utility of each candidate.
    gains: Vec<f32>,
    /// The truly best of everything that might be shown.
    best: Vec<usize>,
}

fn judge(seed: u64, options: &Options) -> bool {
    let world = World::new(seed, options.people, options.days + options.judged_days);
    let mut community = Community::new(&world, seed);
    let mut figures: BTreeMap<Ranker, Figures> = BTreeMap::new();
    let (mut opened, mut pool) = (0, HashSet::new());
    let mut chance = Dice::new(seed);
    for day in 0..options.days + options.judged_days {
        let judging = day >= options.days;
        for (at, person) in community.opens(day) {
            let now = moment(at);
            community.publish(now);
            let candidates = community.candidates(person, now);
            let page = community.page(person, now, &candidates);
            opened += 1;
            if judging && opened % JUDGED_EVERY == 0 {
                compare(&community, person, now, candidates, &page, &mut figures, &mut pool, &mut chance);
            }
            community.look(person, now, page, judging);
        }
    }
    report(seed, &community, &figures, &pool)
}

#[allow(clippy::too_many_arguments, reason = "one open of the feed, and where its figures go")]
fn compare(
    community: &Community<'_>,
    person: usize,
    now: kernel::Timestamp,
    mut candidates: Vec<(usize, rank::Candidate)>,
    page: &[(usize, rank::Ranked)],
    figures: &mut BTreeMap<Ranker, Figures>,
    pool: &mut HashSet<usize>,
    chance: &mut Dice,
) {
    let viewer = community.viewer(person, now);
    candidates.retain(|(_, it)| rank::filter::dropped(it, viewer.id, now).is_none());
    let world = community.world;
    let utility = |n: usize| world.utility(person, &world.items[n], now);
    let gains: Vec<f32> = candidates.iter().map(|(n, _)| utility(*n)).collect();
    let mut best: Vec<(f32, usize)> = community.readable(person, now).into_iter().map(|n| (utility(n), n)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    pool.extend(best.iter().map(|(_, n)| *n));
    let best = best.into_iter().take(RECALL_OF).map(|(_, n)| n).collect();
    let judged = Judged { community, candidates, gains, best };
    for ranker in Ranker::BASELINES.into_iter().chain([Ranker::Learned]) {
        let score = |(_, it): &(usize, rank::Candidate)| score(ranker, &viewer, it, &community.model, chance.share());
        let scores: Vec<f64> = judged.candidates.iter().map(score).collect();
        figures.entry(ranker).or_default().add(person, &order(&scores), &judged);
    }
    let oracle: Vec<f64> = judged.gains.iter().map(|gain| f64::from(*gain)).collect();
    figures.entry(Ranker::Oracle).or_default().add(person, &order(&oracle), &judged);
    let place: HashMap<usize, usize> = judged.candidates.iter().enumerate().map(|(at, (n, _))| (*n, at)).collect();
    let served: Vec<usize> = page.iter().filter_map(|(n, _)| place.get(n).copied()).collect();
    figures.entry(Ranker::Served).or_default().add(person, &served, &judged);
}

fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

fn report(seed: u64, community: &Community<'_>, figures: &BTreeMap<Ranker, Figures>, pool: &HashSet<usize>) -> bool {
    println!(
        "\nWorld {seed}: {} people, {} items, {} slots shown, {:.1} % of them at random",
        community.world.people.len(),
        community.world.items.len(),
        community.slots,
        100.0 * community.random_slots as f64 / community.slots.max(1) as f64,
    );
    let head = ["ranker", "NDCG@20", "recall@200", "coverage", "new authors", "author Gini"];
    let mut table = Table::new("Judged by the true utility of what is shown", &head);
    for (ranker, it) in figures {
        let authors: Vec<u64> =
            (0..community.world.people.len()).map(|author| it.authors.get(&author).copied().unwrap_or(0)).collect();
        table.row([
            ranker.name().to_owned(),
            format!("{:.4}", it.ndcg.mean()),
            if *ranker == Ranker::Served { "–".to_owned() } else { format!("{:.3}", it.recall.mean()) },
            format!("{:.1} %", 100.0 * it.items.len() as f64 / pool.len().max(1) as f64),
            format!("{:.1} %", 100.0 * it.new as f64 / it.slots.max(1) as f64),
            format!("{:.3}", gini(&authors)),
        ]);
    }
    table.print();
    let calibrated = |action: Action| {
        let of = |shown: &community::Shown| (shown.predicted[action.index()], shown.actions.has(action));
        calibration(community.shown.iter().map(of).collect())
    };
    println!(
        "  calibration error of the learned model, as a share of the rate: staying {:.1} %, reacting {:.1} %",
        100.0 * calibrated(Action::Dwell),
        100.0 * calibrated(Action::React),
    );
    let by_ndcg = |a: &Ranker, b: &Ranker| figures[a].ndcg.mean().total_cmp(&figures[b].ndcg.mean());
    let Some(best) = Ranker::BASELINES.into_iter().max_by(by_ndcg) else { return false };
    let mut kept = community.leaks == 0;
    for (ranker, bar) in [(Ranker::Learned, true), (Ranker::Served, false)] {
        let gain = Gain::of(&figures[&ranker].ndcg, &figures[&best].ndcg);
        let reached = gain.by >= BAR && gain.low > 0.0;
        kept &= reached || !bar;
        println!(
            "  {} against {}: {:+.1} % NDCG@20, 95 % interval {:+.1} to {:+.1} %{}",
            ranker.name(),
            best.name(),
            100.0 * gain.by,
            100.0 * gain.low,
            100.0 * gain.high,
            if bar {
                if reached { "  (≥ +5 %, interval above 0: kept)" } else { "  (≥ +5 %: MISSED)" }
            } else {
                ""
            },
        );
    }
    println!("  audience leaks: {} {}", community.leaks, if community.leaks == 0 { "(0: kept)" } else { "MISSED" });
    kept
}
