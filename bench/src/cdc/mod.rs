//! `bench cdc`: row changes from PostgreSQL into a search engine, beside a bare reader and beside bare bulk indexing.

mod floors;
mod latency;
mod stage;

pub use stage::cpu;
mod through;

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::report::{Bar, Table, judged};
use stage::Stage;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Changes a second that are enough, whatever bare bulk indexing does.
const ENOUGH: f64 = 10_000.0;
/// Of bare bulk indexing.
const RATIO_MIN: f64 = 0.6;
/// From commit to searchable, at half the rate.
const P99_MAX: Duration = Duration::from_secs(2);

#[derive(Args)]
pub struct Options {
    /// Engines to write into. `opensearch` needs PLAZA_TEST_OPENSEARCH_URL. PLAZA_TEST_POSTGRES_URL names the PostgreSQL, which
    /// must have `wal_level = logical`; scripts/servers has what starts both.
    #[arg(long, value_enum, default_values_t = [Engine::Tantivy, Engine::Opensearch])]
    engines: Vec<Engine>,
    /// Rows that change in each run.
    #[arg(long, default_value_t = 100_000)]
    changes: u32,
    /// Runs of each figure; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds at half the rate, for the time from commit to searchable.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Tantivy,
    Opensearch,
}

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Self::Tantivy => "tantivy",
            Self::Opensearch => "OpenSearch",
        }
    }
}

/// How fast something went, and what it cost this process.
#[derive(Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    pub cpu_us_each: f64,
}

impl Rate {
    pub fn of(changes: u32, wall: Duration, cpu: Duration) -> Self {
        let changes = f64::from(changes);
        Self { per_second: changes / wall.as_secs_f64(), cpu_us_each: cpu.as_secs_f64() * 1e6 / changes }
    }

    fn median(mut rates: Vec<Self>) -> Self {
        rates.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        rates[rates.len() / 2]
    }
}

pub async fn run(options: Options) -> Result<(), Error> {
    if options.runs == 0 || options.changes == 0 {
        return Err("nothing to measure".into());
    }
    for engine in &options.engines {
        let (mut bare_reads, mut bare_bulks, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.runs {
            // In an index of its own: a pipeline that finds what others have written into its index builds that anew.
            let stage = Stage::open(*engine).await?;
            bare_bulks.push(floors::bulk(&stage, options.changes).await?);
            stage.close().await;
            let stage = Stage::open(*engine).await?;
            let (read, through) = through::changes(&stage, options.changes).await?;
            bare_reads.push(read);
            ours.push(through);
            stage.close().await;
        }
        let (read, bulk, ours) = (Rate::median(bare_reads), Rate::median(bare_bulks), Rate::median(ours));
        let mut table =
            Table::new("Row changes into a search engine", &["what", "per second", "CPU µs each", "of bulk", "bar"]);
        let row = |what: String, rate: Rate, [ratio, bar]: [String; 2]| {
            [what, format!("{:.0}", rate.per_second), format!("{:.1}", rate.cpu_us_each), ratio, bar]
        };
        let none = || [String::new(), String::new()];
        table.row(row("bare reader: the transport crate drains the slot".to_owned(), read, none()));
        table.row(row(format!("bare bulk indexing into {}", engine.name()), bulk, ["1.00".to_owned(), String::new()]));
        let ratio = ours.per_second / bulk.per_second;
        let bar = if ours.per_second >= ENOUGH { Bar::None } else { Bar::AtLeast(RATIO_MIN) };
        table.row(row(format!("Plaza: PostgreSQL to {}", engine.name()), ours, judged(ratio, bar)));
        table.print();

        let stage = Stage::open(*engine).await?;
        let rate = ours.per_second / 2.0;
        let waits = latency::at(&stage, rate, Duration::from_secs(options.seconds)).await?;
        stage.close().await;
        let mut table = Table::new("From commit to searchable", &["changes a second", "p50", "p99", "p99 in s", "bar"]);
        let [p99_s, bar] = judged(waits.p99.as_secs_f64(), Bar::AtMost(P99_MAX.as_secs_f64()));
        table.row([
            format!("{:.0} (half the above)", waits.rate),
            format!("{:.0?}", waits.p50),
            format!("{:.0?}", waits.p99),
            p99_s,
            bar,
        ]);
        table.print();
    }
    Ok(())
}
