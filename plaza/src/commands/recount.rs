//! `plaza recount`

use std::time::Duration;

use engagement::{Difference, Report};
use postgres::Db;
use tokio::time::Instant;

use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::{progress, startup};

/// How often it says how far it is.
const SAID_EVERY: Duration = Duration::from_secs(1);

pub async fn recount(config: &Config, repair: bool) -> Result<(), Stopped> {
    let opened = startup::attach(config).await?;
    let done = match opened.migrate().await {
        Ok(()) => run(&opened.stores.db, repair).await,
        Err(stopped) => Err(stopped),
    };
    opened.close().await;
    done
}

async fn run(db: &Db, repair: bool) -> Result<(), Stopped> {
    let mut said = Instant::now();
    let said_so_far = |report: &Report| {
        if said.elapsed() >= SAID_EVERY {
            said = Instant::now();
            progress::say(format_args!("  {} counts of {} contents", report.counts, report.contents));
        }
    };
    let report = engagement::recount(db, repair, said_so_far).await;
    let report = report.map_err(|error| Stopped::new(Exit::StoreUnavailable, error))?;
    for Difference { content, what, value, rows, counted } in &report.differences {
        let what = what.map_or("unknown", engagement::What::name);
        progress::result(format_args!("WRONG {content}  {what} {value}: {counted} counted, {rows} there"));
    }
    let named = report.differences.len() as u64;
    if report.wrong > named {
        progress::result(format_args!("… and {} more", report.wrong - named));
    }
    let Report { contents, counts, wrong, .. } = report;
    match (wrong, repair) {
        (0, _) => progress::result(format_args!("ok    {counts} counts of {contents} contents, all right")),
        (_, true) => progress::result(format_args!("{wrong} of {counts} counts were wrong, and are right now.")),
        (_, false) => {
            let message =
                format_args!("{wrong} of {counts} counts are wrong; `plaza recount --repair` makes them right.");
            return Err(Stopped::new(Exit::Differs, message));
        }
    }
    Ok(())
}
