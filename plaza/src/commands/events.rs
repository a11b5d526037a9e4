//! `plaza events`

use kernel::{Clock, EventId, StoreError};
use postgres::Db;
use postgres::outbox;

use crate::cli::EventsCommand;
use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::{progress, startup};

pub async fn events(config: &Config, command: &EventsCommand) -> Result<(), Stopped> {
    let opened = startup::attach(config).await?;
    let done = match opened.migrate().await {
        Ok(()) => run(&opened.stores.db, command).await,
        Err(stopped) => Err(stopped),
    };
    opened.close().await;
    done
}

async fn run(db: &Db, command: &EventsCommand) -> Result<(), Stopped> {
    match command {
        EventsCommand::Dead { consumer, limit } => {
            let (last, count) = outbox::dead(db, consumer.as_deref(), *limit).await.map_err(no_answer)?;
            for dead in &last {
                let outbox::Dead { consumer, id, kind, key, died_at, tries, error, .. } = dead;
                let error = error.replace('\n', " ");
                progress::result(format_args!("{died_at}  {id}  {consumer}  {kind}  {key}  {tries} tries: {error}"));
            }
            match count - last.len() as i64 {
                0 if count == 0 => progress::result("None: no event was put aside."),
                0 => {}
                more => progress::result(format_args!("… and {more} more")),
            }
        }
        EventsCommand::Replay { event, consumer, all: _ } => {
            let id: Option<EventId> = event.as_deref().map(str::parse).transpose().map_err(|error| {
                Stopped::new(Exit::Usage, format_args!("that is no event: {error}; `plaza events dead` lists them."))
            })?;
            let now = Clock::system().now();
            let count = outbox::replay(db, consumer.as_deref(), id, now).await.map_err(no_answer)?;
            progress::result(format_args!("{count} to be delivered again."));
        }
    }
    Ok(())
}

fn no_answer(error: StoreError) -> Stopped {
    Stopped::new(Exit::StoreUnavailable, error)
}
