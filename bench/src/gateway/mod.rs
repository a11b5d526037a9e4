//! `bench gateway`: what a connection costs, what a delivered message costs, and where it ends.

mod idle;
mod link;
mod load;
mod plaza;
mod rooms;
mod sends;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::Table;
use link::Error;
use plaza::{Plaza, Stores};

#[derive(Args)]
pub struct Options {
    /// Which stores Plaza runs on. `grown-up` needs PLAZA_TEST_POSTGRES_URL, PLAZA_TEST_REDIS_URL and
    /// PLAZA_TEST_CASSANDRA_NODES; scripts/servers has what starts such servers.
    #[arg(long, value_enum, default_values_t = [Stores::Embedded])]
    stores: Vec<Stores>,
    /// Scenarios to run.
    #[arg(long, value_enum, default_values_t = [Scenario::Idle, Scenario::Room, Scenario::Pairs, Scenario::Saturation, Scenario::Sends])]
    only: Vec<Scenario>,
    /// Idle connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Members of the one room.
    #[arg(long, default_value_t = 1_000)]
    members: usize,
    /// Pairs of people who write to each other.
    #[arg(long, default_value_t = 500)]
    pairs: usize,
    /// Seconds that each measured run lasts.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Runs of each figure; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The plaza binary. Built by cargo when not given.
    #[arg(long)]
    plaza: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Process memory per idle connection.
    Idle,
    /// One room in which everybody hears everybody.
    Room,
    /// Pairs of people.
    Pairs,
    /// A room that is faster than its sockets.
    Saturation,
    /// Durable sends beside the bare writes of the store.
    Sends,
}

pub async fn run(options: Options) -> Result<(), Error> {
    let binary = plaza::binary(options.plaza.clone())?;
    let mut tables = Vec::new();
    for stores in &options.stores {
        println!("starting Plaza on {stores} stores …");
        let mut plaza = Plaza::start(&binary, *stores).await?;
        let measured = measure(&options, &mut plaza).await;
        // What it stored is dropped in any case.
        plaza.stop().await?;
        tables.extend(measured?);
    }
    for table in &tables {
        table.print();
    }
    Ok(())
}

async fn measure(options: &Options, plaza: &mut Plaza) -> Result<Vec<Table>, Error> {
    plaza.populate(options).await?;
    let mut tables = Vec::new();
    for scenario in &options.only {
        let name = scenario.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        println!("{}: {name} …", plaza.stores());
        tables.extend(match scenario {
            Scenario::Idle => idle::run(options, plaza).await?,
            Scenario::Room => rooms::room(options, plaza).await?,
            Scenario::Pairs => rooms::pairs(options, plaza).await?,
            Scenario::Saturation => rooms::saturation(options, plaza).await?,
            Scenario::Sends => sends::run(options, plaza).await?,
        });
    }
    Ok(tables)
}
