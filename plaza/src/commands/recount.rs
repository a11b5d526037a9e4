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
    let mut said = Said::default();
    let engaged = engagement::recount(db, repair, |report| {
        said.perhaps(format_args!("  {} counts of {} contents", report.counts, report.contents));
    });
    let engaged = engaged.await.map_err(|error| Stopped::new(Exit::StoreUnavailable, error))?;
    let told =
        notifications::recount(db, repair, |report| said.perhaps(format_args!("  {} lines of inboxes", report.lines)));
    let told = told.await.map_err(|error| Stopped::new(Exit::StoreUnavailable, error))?;
    tell(&engaged);
    let Report { contents, counts, wrong, .. } = engaged;
    let notifications::Report { lines, wrong: lines_wrong } = told;
    match wrong {
        0 => progress::result(format_args!("ok    {counts} counts of {contents} contents, all right")),
        _ if repair => progress::result(format_args!("{wrong} of {counts} counts were wrong, and are right now.")),
        _ => progress::result(format_args!("{wrong} of {counts} counts are wrong.")),
    }
    match lines_wrong {
        0 => progress::result(format_args!("ok    {lines} lines of inboxes, all right")),
        _ if repair => progress::result(format_args!("{lines_wrong} of {lines} lines were wrong, and are right now.")),
        _ => progress::result(format_args!("{lines_wrong} of {lines} lines of inboxes are wrong.")),
    }
    if wrong + lines_wrong > 0 && !repair {
        let message = format_args!(
            "{wrong} counts and {lines_wrong} lines of inboxes are wrong; `plaza recount --repair` makes them right."
        );
        return Err(Stopped::new(Exit::Differs, message));
    }
    Ok(())
}

fn tell(engaged: &Report) {
    for Difference { content, what, value, rows, counted } in &engaged.differences {
        let what = what.map_or("unknown", engagement::What::name);
        progress::result(format_args!("WRONG {content}  {what} {value}: {counted} counted, {rows} there"));
    }
    let named = engaged.differences.len() as u64;
    if engaged.wrong > named {
        progress::result(format_args!("… and {} more", engaged.wrong - named));
    }
}

/// When it was last said how far it is.
struct Said(Instant);

impl Default for Said {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Said {
    fn perhaps(&mut self, line: std::fmt::Arguments<'_>) {
        if self.0.elapsed() >= SAID_EVERY {
            self.0 = Instant::now();
            progress::say(line);
        }
    }
}
