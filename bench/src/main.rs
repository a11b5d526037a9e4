//! Plaza's benchmarks: each prints one table, in which every figure stands beside a bare floor of the same run.
//!
//! ```text
//! cargo run --release -p bench -- gateway
//! cargo run --release -p bench -- cdc
//! cargo run --release -p bench -- search
//! cargo run --release -p bench -- feed-quality
//! cargo run --release -p bench -- feed-policy
//! cargo run --release -p bench -- feed-load
//! ```
//!
//! ## Decisions
//! - Machines are noisy, so a figure is a ratio: Plaza against the same work done by the same library with no product
//!   behind it, the two taken in turn within one run.
//! - CPU is the user and system time of the server's process as the kernel counts it. It disturbs least and says what
//!   a connection or a message costs; wall times are given beside it.
#![allow(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod cdc;
mod database;
mod feed_quality;
mod feeds;
mod floor;
mod gateway;
mod measure;
mod process;
mod report;
mod search;
mod texts;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about = "Plaza's benchmarks, each beside a bare floor of the same run")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Memory per idle connection, CPU and latency per delivered message, saturation, durable sends.
    Gateway(gateway::Options),
    /// Row changes from PostgreSQL into the search engines, and how soon they are found.
    Cdc(cdc::Options),
    /// How long a search takes in a large index, on each engine.
    Search(search::Options),
    /// How well the feed is ranked, beside other ways to rank it.
    FeedQuality(feed_quality::Options),
    /// What the ways of distributing content cost on a generated graph, beside the least that is possible.
    FeedPolicy(feeds::policy::Options),
    /// Latency, CPU and round trips of pages of the following feed, and how fast fan-out is.
    FeedLoad(feeds::load::Options),
    /// The bare WebSocket server that the others are compared with. Started by them.
    #[command(hide = true)]
    Floor,
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let command = Cli::parse().command;
    // Silent, unless RUST_LOG says what is to be told of.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // The load generator gets one core, the server the other.
    if matches!(command, Command::Gateway(_)) {
        runtime.worker_threads(1);
    }
    runtime.enable_all().build()?.block_on(async {
        match command {
            Command::Gateway(options) => gateway::run(options).await,
            Command::Cdc(options) => cdc::run(options).await,
            Command::Search(options) => search::run(options).await,
            Command::FeedQuality(options) => feed_quality::run(&options),
            Command::FeedLoad(options) => feeds::load::run(options).await,
            Command::FeedPolicy(options) => {
                feeds::policy::run(&options);
                Ok(())
            }
            Command::Floor => floor::serve().await,
        }
    })
}
