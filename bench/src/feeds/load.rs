//! `bench feed-load`: pages of the following feed and what goes into them, on a generated graph.
//!
//! Reads and writes are 50 to 1. A page is *cold* when nothing that it needs is in memory ([`super::cold`]), *warm* when its reader comes
//! as others come; *visible* is from the answer to a publication until the page of a follower begins with it, by the way
//! that events take, once the change stream runs. Cold pages come last: what is published after them finds nothing in memory either.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use kernel::{Clock, ContentId, PageSize, UserId};
use postgres::outbox::Dispatch;
use schemas::content::PostCreate;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::bare::{Bare, cpu};
use super::cold::Cold;
use super::fan_out::{self, Rates};
use super::stage::Stage;
use super::{Failure, plot};
use crate::report::{Bar, Table, judged};

const READS_A_WRITE: usize = 50;
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);
/// Pages that CPU is measured on, in turns with as many bare reads.
const CPU_PAGES: usize = 1_200;
const CPU_TURNS: usize = 4;
/// Cold pages, each of another reader.
const COLD_PAGES: usize = 40;

#[derive(Args)]
pub struct Options {
    #[arg(long, value_enum, default_values_t = [Store::Embedded, Store::GrownUp])]
    store: Vec<Store>,
    /// How many people.
    #[arg(long, default_value_t = 10_000)]
    pub people: usize,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Pages that are read.
    #[arg(long, default_value_t = 10_000)]
    reads: usize,
    /// Where the picture of the latencies goes.
    #[arg(long, default_value = "feed-load.svg")]
    plot: PathBuf,
}

/// Where timelines are.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// PostgreSQL.
    Embedded,
    /// Cassandra, with everything else in PostgreSQL.
    GrownUp,
}

struct Latencies {
    warm: Histogram<u64>,
    visible: Histogram<u64>,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for store in options.store.iter().copied() {
        let name = if store == Store::Embedded { "PostgreSQL" } else { "Cassandra" };
        let stage = Stage::open(&options, store).await?;
        let title = format!(
            "The following feed, timelines in {name}: {} people, {} follows, seed {}",
            stage.people.len(),
            stage.graph.follows(),
            options.seed
        );
        let mut table = Table::new(title, &["", "p50", "p99", "", ""]);
        let (few, many) = round_trips(&stage).await?;
        let (page_us, bare_us) = cpu_per_page(&stage).await?;
        let fan_outs = [
            ("one long fan-out", fan_out::long(&stage).await?),
            ("small ones, a batch at a time", fan_out::small(&stage, 1).await?),
            ("small ones, as a turn has them", fan_out::small(&stage, fan_out::BATCHES_A_TURN).await?),
        ];
        let stage = Arc::new(stage);
        let latencies = mixed(&stage, options.reads).await?;
        let (chilled, forgotten) = cold_pages(&stage).await?;
        let cold = if forgotten { "cold page" } else { "cold page, but for files that the system keeps" };
        for (what, histogram) in
            [("warm page", &latencies.warm), (cold, &chilled), ("publish to visible", &latencies.visible)]
        {
            let ms = |quantile| format!("{:.1} ms", histogram.value_at_quantile(quantile) as f64 / 1e3);
            table.row([what.to_owned(), ms(0.5), ms(0.99), format!("{} measured", histogram.len()), String::new()]);
        }
        let row = |what: String, value: String| [what, value, String::new(), String::new(), String::new()];
        table.row(row(
            format!("round trips a page, {} and {} followed", few.0, many.0),
            format!("{} and {}", few.1, many.1),
        ));
        let [ratio, verdict] = judged(page_us / bare_us, Bar::AtMost(2.0));
        table.row([
            "CPU a page, beside its bare reads".to_owned(),
            ratio,
            String::new(),
            verdict,
            format!("{page_us:.0} µs, {bare_us:.0} µs"),
        ]);
        for (what, Rates { worker, bare }) in fan_outs {
            let [ratio, verdict] = judged(worker / bare, Bar::AtLeast(0.7));
            table.row([
                format!("{what}, beside bare batched writes"),
                ratio,
                String::new(),
                verdict,
                format!("{worker:.0} and {bare:.0} rows/s"),
            ]);
        }
        table.print();
        let Latencies { warm, visible } = latencies;
        lines.extend([
            (format!("warm, {name}"), warm),
            (format!("cold, {name}"), chilled),
            (format!("visible, {name}"), visible),
        ]);
        Arc::into_inner(stage).ok_or("somebody still holds the stage")?.close().await?;
    }
    let lines: Vec<(String, &Histogram<u64>)> = lines.iter().map(|(name, line)| (name.clone(), line)).collect();
    std::fs::write(&options.plot, plot::svg(&lines))?;
    println!("\n  {}", options.plot.display());
    Ok(())
}

async fn page(stage: &Stage, reader: UserId, size: PageSize) -> Result<Vec<ContentId>, Failure> {
    let page = stage.feed.following(&stage.ctx(reader), None, size).await?;
    Ok(page.items.into_iter().map(|item| item.content.id).collect())
}

/// Store operations so far, of all kinds.
fn operations() -> u64 {
    let text = telemetry::render();
    let counts = text.lines().filter(|line| line.starts_with("plaza_store_operation_seconds_count"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

/// Followings and round trips of those readers who follow the fewest and the most.
async fn round_trips(stage: &Stage) -> Result<((usize, u64), (usize, u64)), Failure> {
    let mut readers = stage.readers.clone();
    readers.sort_by_key(|reader| stage.graph.followings(*reader).len());
    let mut found = Vec::new();
    // Somebody in the lower tenth, who follows enough for a whole page, and the last.
    for reader in [readers[readers.len() / 10], readers[readers.len() - 1]] {
        let before = operations();
        page(stage, stage.people[reader], PageSize::DEFAULT).await?;
        found.push((stage.graph.followings(reader).len(), operations() - before));
    }
    Ok((found[0], found[1]))
}

/// Microseconds of this process for a page, and for the reads that it needs.
async fn cpu_per_page(stage: &Stage) -> Result<(f64, f64), Failure> {
    let readers: Vec<UserId> = stage.readers.iter().take(100).map(|reader| stage.people[*reader]).collect();
    let bare = Bare::prepare(stage, &readers).await?;
    let (mut paged, mut read) = (Duration::ZERO, Duration::ZERO);
    let each = CPU_PAGES / CPU_TURNS;
    for _ in 0..CPU_TURNS {
        let before = cpu()?;
        for nth in 0..each {
            page(stage, readers[nth % readers.len()], PageSize::DEFAULT).await?;
        }
        let between = cpu()?;
        for nth in 0..each {
            bare.read(stage, nth % readers.len()).await?;
        }
        paged += between - before;
        read += cpu()? - between;
    }
    let us = |time: Duration| time.as_secs_f64() * 1e6 / (each * CPU_TURNS) as f64;
    Ok((us(paged), us(read)))
}

/// Pages of which nothing is in memory. Whether that is so of what the operating system keeps, too.
async fn cold_pages(stage: &Stage) -> Result<(Histogram<u64>, bool), Failure> {
    let cold = Cold::prepare(&stage.db, stage.cassandra.as_ref()).await?;
    let mut readers = stage.readers.clone();
    readers.sort_unstable();
    readers.dedup();
    let (mut took, mut all_forgotten) = (histogram()?, true);
    for reader in readers.into_iter().take(COLD_PAGES) {
        all_forgotten &= cold.chill().await?;
        let began = Instant::now();
        page(stage, stage.people[reader], PageSize::DEFAULT).await?;
        took.saturating_record(began.elapsed().as_micros() as u64);
    }
    Ok((took, all_forgotten))
}

/// Reads by one, writes by another, fifty to one.
async fn mixed(stage: &Arc<Stage>, reads: usize) -> Result<Latencies, Failure> {
    let stop = CancellationToken::new();
    let clock = Clock::system();
    let events = Box::new(cdc::events::Events::new(stage.db.clone()));
    let parts = cdc::Parts { db: stage.db.clone(), settings: cdc::Settings::default(), clock: clock.clone() };
    let numbering = tokio::spawn(cdc::run(events, cdc::events::spec(), parts, stop.clone()));
    let consumers: Vec<Arc<dyn postgres::outbox::Consumer>> = vec![stage.worker.clone()];
    let dispatch = Dispatch::new(stage.db.clone(), clock, consumers);
    let delivering = tokio::spawn(dispatch.clone().run(stop.clone()));
    let working = tokio::spawn(stage.worker.clone().run(stop.clone()));
    // The slot is made, and the first event has gone all the way.
    publish(stage, stage.readers[0]).await?;
    until_delivered(&dispatch).await?;

    let (due, mut dues) = mpsc::channel::<usize>(64);
    let writing = tokio::spawn({
        let stage = Arc::clone(stage);
        async move {
            let mut visible = histogram()?;
            while let Some(reader) = dues.recv().await {
                if let Some(took) = publish(&stage, reader).await? {
                    visible.saturating_record(took.as_micros() as u64);
                }
            }
            Ok::<_, Failure>(visible)
        }
    });
    let mut warm = histogram()?;
    for nth in 0..reads {
        let reader = stage.readers[nth % stage.readers.len()];
        let began = Instant::now();
        page(stage, stage.people[reader], PageSize::DEFAULT).await?;
        warm.saturating_record(began.elapsed().as_micros() as u64);
        if nth % READS_A_WRITE == 0 {
            due.send(reader).await?;
        }
    }
    drop(due);
    let visible = writing.await??;
    stop.cancel();
    let (numbered, delivered, worked) = tokio::join!(numbering, delivering, working);
    numbered??;
    delivered?;
    worked?;
    Ok(Latencies { warm, visible })
}

async fn until_delivered(dispatch: &Dispatch) -> Result<(), Failure> {
    let began = Instant::now();
    while !dispatch.is_done().await? {
        if began.elapsed() > PATIENCE {
            return Err("an event was not delivered".into());
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Somebody whom the reader follows publishes something: how long until the reader's page begins with it.
async fn publish(stage: &Stage, reader: usize) -> Result<Option<Duration>, Failure> {
    let Some(author) = stage.graph.followings(reader).first() else { return Ok(None) };
    let author = stage.people[*author as usize];
    let input = PostCreate { text: "Tea at noon".to_owned(), ..PostCreate::default() };
    let id = stage.content.create(&stage.ctx(author), input.into()).await?.id;
    let (began, one) = (Instant::now(), PageSize::try_from(1)?);
    while !page(stage, stage.people[reader], one).await?.contains(&id) {
        if began.elapsed() > PATIENCE {
            return Err("it never became visible".into());
        }
        sleep(POLL).await;
    }
    Ok(Some(began.elapsed()))
}

fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 100_000_000, 3)?)
}
