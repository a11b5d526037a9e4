//! `bench search`: how long a search takes in a large index, by what is asked.
//!
//! Documents are written through the port, as the pipeline writes them, then asked one question after the other.

mod corpus;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use index::engine::{BATCH_ITEMS_MAX, opensearch, tantivy};
use index::{Area, Engine, Filters, Item, Kind, Order, Place, Query, Write};
use kernel::{Clock, Secret};

use self::corpus::{PERSON, POST};
use crate::report::Table;
use crate::texts::{Dice, text, word};

/// What the documents are written with, and what says that they are all there.
const GENERATION: index::Generation = 1;
const BATCH: u64 = 5_000;
/// Questions of each sort before those that count.
const WARM_UP: u64 = 50;

#[derive(Args)]
pub struct Options {
    #[arg(long, value_enum, default_values_t = [Which::Tantivy])]
    engine: Vec<Which>,
    /// Documents in the index, a fifth of them people.
    #[arg(long, default_value_t = 1_000_000)]
    documents: u64,
    /// Questions of each sort.
    #[arg(long, default_value_t = 1_000)]
    queries: u64,
    /// Hits a page.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Keeps tantivy's index here and uses it again; a temporary folder when absent.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// For `--engine opensearch`. Its indices are named after the number of documents, and used again.
    #[arg(long, env = "PLAZA_TEST_OPENSEARCH_URL")]
    opensearch_url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    Tantivy,
    #[value(name = "opensearch")]
    OpenSearch,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub async fn run(options: Options) -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    for which in &options.engine {
        let (name, engine): (_, Arc<dyn Engine>) = match which {
            Which::Tantivy => {
                let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
                let settings = tantivy::Settings { folder, ..tantivy::Settings::default() };
                ("tantivy", Arc::new(tantivy::Tantivy::open(settings, Clock::system())?))
            }
            Which::OpenSearch => {
                let url = options.opensearch_url.clone().ok_or("set --opensearch-url or PLAZA_TEST_OPENSEARCH_URL")?;
                let prefix = format!("bench-{}-", options.documents);
                let settings = opensearch::Settings { url: Some(Secret::new(url)), prefix };
                ("OpenSearch", Arc::new(opensearch::OpenSearch::new(&settings)?))
            }
        };
        fill(&*engine, options.documents).await?;
        ask(name, &*engine, &options).await?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn fill(engine: &dyn Engine, documents: u64) -> Result<(), Failure> {
    if engine.live(POST).await? == Some(GENERATION) && engine.live(PERSON).await? == Some(GENERATION) {
        println!("the index is there already");
        return Ok(());
    }
    for kind in [POST, PERSON] {
        engine.create(kind, GENERATION).await?;
    }
    assert!(BATCH <= BATCH_ITEMS_MAX as u64);
    let begun = Instant::now();
    let mut n = 0;
    while n < documents {
        let end = documents.min(n + BATCH);
        let items = (n..end).map(|n| {
            let (kind, document) = corpus::document(n);
            Item { kind, generation: GENERATION, version: n, write: Write::Put(document) }
        });
        engine.write(items.collect()).await?;
        engine.commit(&end.to_string()).await?;
        n = end;
    }
    for kind in [POST, PERSON] {
        engine.swap(kind, GENERATION).await?;
    }
    let took = begun.elapsed();
    println!("{documents} documents written in {took:.1?}: {:.0} a second", documents as f64 / took.as_secs_f64());
    Ok(())
}

/// What is asked, each time about something else.
type Question = fn(&mut Dice) -> Query;

fn best(kinds: [Kind; 1]) -> Query {
    Query { order: Order::Relevance { now: Some(corpus::now()) }, ..Query::new(kinds, 1) }
}

fn words(text: String) -> Query {
    let audiences = Some(vec!["public".to_owned(), "room:1".to_owned(), "room:7".to_owned()]);
    Query { text: Some(text), filters: Filters { audiences, ..Filters::default() }, ..best([POST]) }
}

fn begins(dice: &mut Dice, letters: usize) -> Query {
    let prefix: String = word(dice.zipf(20_000)).chars().take(letters).collect();
    Query { prefix: Some(prefix), order: Order::Relevance { now: None }, ..best([PERSON]) }
}

fn near(center: Place, metres: f64) -> Query {
    Query { area: Some(Area::Within { center, metres }), order: Order::Nearest { from: center }, ..best([POST]) }
}

fn frame(center: Place) -> Query {
    let (latitude, longitude) = (center.latitude(), center.longitude());
    let area = Area::Box {
        south: (latitude - 0.1).max(-90.0),
        north: (latitude + 0.1).min(90.0),
        west: (longitude - 0.15).max(-180.0),
        east: (longitude + 0.15).min(180.0),
    };
    Query { area: Some(area), order: Order::Newest, ..best([POST]) }
}

const QUESTIONS: [(&str, Question); 12] = [
    ("text: one of the 100 most frequent words", |dice| words(word(dice.below(100)))),
    ("text: one word", |dice| words(text(dice, 1))),
    ("text: two words", |dice| words(text(dice, 2))),
    ("text: a word with a typo", |dice| words(format!("{}x", word(200 + dice.zipf(20_000))))),
    ("text: two words, highlighted", |dice| Query { highlight: true, ..words(text(dice, 2)) }),
    ("completion: 1 letter", |dice| begins(dice, 1)),
    ("completion: 3 letters", |dice| begins(dice, 3)),
    ("completion: 6 letters", |dice| begins(dice, 6)),
    ("near: 2 km, nearest first", |dice| near(corpus::place(dice), 2_000.0)),
    ("near: 200 km, nearest first", |dice| near(corpus::place(dice), 200_000.0)),
    ("box: 20 km, newest first", |dice| frame(corpus::place(dice))),
    ("text within 50 km, best first", |dice| {
        let area = Some(Area::Within { center: corpus::place(dice), metres: 50_000.0 });
        Query { area, ..words(word(dice.below(1_000))) }
    }),
];

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn ask(name: &str, engine: &dyn Engine, options: &Options) -> Result<(), Failure> {
    println!("{name}, {} documents, one question at a time:", options.documents);
    let mut table = Table::new("Searches", &["asked", "p50 ms", "p99 ms", "hits a page", "pages with none"]);
    for (number, (asked, question)) in (0u64..).zip(QUESTIONS) {
        let mut dice = Dice::new(1000 + number);
        let mut latency = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
        let (mut hits, mut none) = (0, 0u64);
        for nth in 0..WARM_UP + options.queries {
            let query = Query { limit: options.limit, ..question(&mut dice) };
            let begun = Instant::now();
            let page = engine.search(&query).await?;
            if nth >= WARM_UP {
                latency.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
                hits += page.hits.len();
                none += u64::from(page.hits.is_empty());
            }
        }
        let ms = |q: f64| format!("{:.2}", Duration::from_micros(latency.value_at_quantile(q)).as_secs_f64() * 1e3);
        let average = hits as f64 / options.queries as f64;
        let share = 100.0 * none as f64 / options.queries as f64;
        table.row([asked.to_owned(), ms(0.5), ms(0.99), format!("{average:.1}"), format!("{share:.0} %")]);
    }
    table.print();
    Ok(())
}
