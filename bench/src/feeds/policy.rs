//! What each way of distribution costs on a generated graph, beside the least that is possible.
//!
//! The cost of a day is `rows written × push + lists looked up × pull`. The least is the cheaper of the two for every pair of
//! follower and author and every kind, with all rates known. The rule is given what the running system has: rates that were
//! learned from three weeks of events, viewers in classes, one decision for an author, a kind and a class.

use std::fmt::Write as _;

use clap::Args;
use feed::policy::{self, Author, CLASSES, Class, Costs, Rate, Reach};
use kernel::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::graph::{Dice, Graph, KINDS};
use crate::report::Table;

/// What looking up one list costs, in rows written.
const RATIOS: [f64; 4] = [1.0, 0.3, 0.1, 0.03];
/// Posts a day of a person on average: some 3 and some 50 opens of the feed for each thing published.
const REGIMES: [(&str, f64); 2] = [("3 opens a post", 1.0), ("50 opens a post", 0.052)];
const FOLLOWERS_MIN: [u32; 5] = [100, 300, 1_000, 3_000, 10_000];
const LEARNED_DAYS: u32 = 21;

#[derive(Args)]
pub struct Options {
    /// How many people.
    #[arg(long, default_value_t = 60_000)]
    people: usize,
    /// How many worlds, each from a seed of its own.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
}

pub fn run(options: &Options) {
    let names = [
        "least possible",
        "push to all",
        "pull all",
        "best follower threshold",
        "rule, rates known",
        "rule, as it runs",
    ];
    for (regime, posts_per_day) in REGIMES {
        let mut spans = vec![[(f64::MAX, f64::MIN); RATIOS.len()]; names.len()];
        let mut follows = 0;
        for seed in 1..=options.seeds {
            let graph = Graph::generate(seed, options.people, posts_per_day);
            follows = graph.follows();
            let learned = Learned::from(&graph, seed);
            for (column, ratio) in RATIOS.into_iter().enumerate() {
                for (row, cost) in compare(&graph, &learned, ratio).into_iter().enumerate() {
                    let span = &mut spans[row][column];
                    *span = (span.0.min(cost), span.1.max(cost));
                }
            }
        }
        let mut title = String::new();
        let _written = write!(
            title,
            "Cost beside the least possible, {regime}: {} people, {follows} follows, {} seeds",
            options.people, options.seeds
        );
        let mut table = Table::new(title, &["", "pull = 1 row", "0.3", "0.1", "0.03"]);
        for (name, spans) in names.iter().zip(spans) {
            let cells = spans.map(|(low, high)| match format!("{high:.2}") {
                high if format!("{low:.2}") == high => high,
                high => format!("{low:.2}–{high}"),
            });
            table.row(std::iter::once((*name).to_owned()).chain(cells));
        }
        table.print();
    }
}

/// What the system knows after a while.
struct Learned {
    classes: Vec<Class>,
    rates: Vec<[f64; KINDS]>,
    opens: [f64; CLASSES],
}

impl Learned {
    /// Lets three weeks pass, day by day.
    fn from(graph: &Graph, seed: u64) -> Self {
        let mut dice = Dice(StdRng::seed_from_u64(seed ^ 0xfeed));
        let day = |day: u32| Timestamp::from_millis(i64::from(day) * 86_400_000);
        let mut learn = |per_day: f64| {
            let mut rate = Rate::new(0.0, day(0));
            for today in 1..=LEARNED_DAYS {
                rate = rate.counted(dice.poisson(per_day), day(today));
            }
            rate.per_day(day(LEARNED_DAYS))
        };
        let rates = graph.rates.iter().map(|kinds| kinds.map(&mut learn)).collect();
        let opens: Vec<f64> = graph.opens.iter().map(|opens| learn(*opens)).collect();
        let classes: Vec<Class> = opens.iter().map(|opens| Class::of(*opens)).collect();
        Self { opens: means(&classes, &opens), classes, rates }
    }

    fn exactly(graph: &Graph) -> Self {
        let classes: Vec<Class> = graph.opens.iter().map(|opens| Class::of(*opens)).collect();
        Self { opens: means(&classes, &graph.opens), classes, rates: graph.rates.clone() }
    }

    fn reaches(&self, ratio: f64, followers: &[[f64; CLASSES]]) -> Vec<[Reach; KINDS]> {
        let costs = Costs { push_us: 1.0, pull_us: ratio, opens_per_day: self.opens, workers: 2.0 };
        let decide = |(rates, followers): (&[f64; KINDS], &[f64; CLASSES])| {
            rates.map(|posts_per_day| {
                let author = Author { posts_per_day, followers: *followers };
                policy::decide(Reach::EVERYBODY, &author, &costs)
            })
        };
        self.rates.iter().zip(followers).map(decide).collect()
    }

    fn followers(&self, graph: &Graph) -> Vec<[f64; CLASSES]> {
        let mut followers = vec![[0.0; CLASSES]; graph.people()];
        for viewer in 0..graph.people() {
            for author in graph.followings(viewer) {
                followers[*author as usize][self.classes[viewer].index()] += 1.0;
            }
        }
        followers
    }
}

fn means(classes: &[Class], opens: &[f64]) -> [f64; CLASSES] {
    let (mut sums, mut counts) = ([0.0; CLASSES], [0.0; CLASSES]);
    for (class, opens) in classes.iter().zip(opens) {
        sums[class.index()] += opens;
        counts[class.index()] += 1.0;
    }
    std::array::from_fn(
        |class| if counts[class] > 0.0 { sums[class] / counts[class] } else { Costs::OPENS_GUESSED[class] },
    )
}

/// Each way's cost, by the least possible.
fn compare(graph: &Graph, learned: &Learned, ratio: f64) -> [f64; 6] {
    let known = Learned::exactly(graph);
    let by_known = known.reaches(ratio, &known.followers(graph));
    let by_learned = learned.reaches(ratio, &learned.followers(graph));
    let (mut least, mut push, mut pull, mut exact, mut running) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut thresholds = [0.0; FOLLOWERS_MIN.len()];
    for viewer in 0..graph.people() {
        let looked_up = graph.opens[viewer] * ratio;
        for author in graph.followings(viewer) {
            let author = *author as usize;
            for (kind, written) in graph.rates[author].into_iter().enumerate() {
                let either = |pushed: bool| if pushed { written } else { looked_up };
                least += written.min(looked_up);
                push += written;
                pull += looked_up;
                exact += either(by_known[author][kind].pushes_to(known.classes[viewer]));
                running += either(by_learned[author][kind].pushes_to(learned.classes[viewer]));
                for (sum, least) in thresholds.iter_mut().zip(FOLLOWERS_MIN) {
                    *sum += either(graph.followers[author] < least);
                }
            }
        }
    }
    let threshold = thresholds.into_iter().fold(f64::MAX, f64::min);
    [least, push, pull, threshold, exact, running].map(|cost| cost / least)
}
