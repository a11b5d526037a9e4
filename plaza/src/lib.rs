//! The one binary, as a library: reads its settings, opens the stores, wires the slices, serves.
//!
//! ## Decisions
//! - Only this crate names concrete adapters. [`wiring`] is the one place to look up who is connected to whom.
//! - The binary is [`main`] and nothing else. [`adapters`] are public, so that what measures slices wires them as Plaza does.
//! - Every way to fail at start has an exit code and a paragraph that says what to do ([`exit`]).
//! - What Plaza tells the person who started it goes to standard error; logs, and the results of commands, to
//!   standard output.
//! - The listen addresses are bound before anything is started or fetched: a taken port shows at once.

mod cli;
mod commands;
mod config;
mod data_dir;
mod exit;
mod health;
mod progress;
mod seed;
mod server;
mod signals;
mod startup;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use exit::{Exit, Stopped};
pub use wiring::adapters;

/// A message makes hundreds of small things that other threads let go of: the C library's allocator took an eighth of all time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks that a thread runs before it looks what has arrived. With tokio's 61, answers of stores lay while hundreds of sockets were
/// served: sixteen sends at a time took 3.3 times as long as their bare writes, with this 2.8, and a full room closed sockets.
const EVENT_INTERVAL: u32 = 16;

/// What the process does, from its arguments to its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version come this way too, and go to standard output.
            let asked = !answer.use_stderr();
            let printed = answer.print();
            return if asked && printed.is_ok() { ExitCode::SUCCESS } else { Exit::Usage.into() };
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => {
            progress::say(format_args!("plaza: {stopped}"));
            stopped.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<(), Stopped> {
    let mut config = config::load(&cli.settings, std::env::vars())?;
    let command = cli.command.unwrap_or(Command::Up);
    if !matches!(command, Command::Up) && std::env::var_os("PLAZA_LOG").is_none() {
        // Their standard output is for their results.
        // A mock says when its files have changed. That the change stream is read by a Plaza that is up is no error of theirs.
        let filter =
            if matches!(command, Command::Mock(_)) { "error,mock=info" } else { "error,pgwire_replication=off" };
        config.log.filter.get_or_insert_with(|| filter.to_owned());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads)
        .event_interval(EVENT_INTERVAL)
        .enable_all()
        .build()
        .map_err(|error| Stopped::new(Exit::Unexpected, format_args!("The runtime does not start: {error}.")))?;
    let ended = runtime.block_on(async {
        let telemetry = telemetry::init(&config.log).map_err(|error| Stopped::new(Exit::Config, error))?;
        let ended = match command {
            Command::Up => Box::pin(commands::up(&config)).await,
            Command::Migrate => commands::migrate(&config).await,
            Command::Seed(args) => commands::seed(&config, &args).await,
            Command::Conformance(args) => Box::pin(commands::conformance(&args)).await,
            Command::Mock(args) => commands::mock(&config, &args).await,
            Command::Check => commands::check(&config).await,
            Command::Recount(args) => Box::pin(commands::recount(&config, args.repair)).await,
            Command::Events(command) => Box::pin(commands::events(&config, &command)).await,
            Command::Search(command) => Box::pin(commands::search(&config, &command)).await,
        };
        telemetry.flush();
        ended
    });
    // Whatever still runs has been told to stop and had its time.
    runtime.shutdown_background();
    ended
}
