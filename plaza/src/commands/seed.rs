//! `plaza seed`

use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;
use live::limiter::Local;
use postgres::outbox::Dispatch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::SeedArgs;
use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::progress;
use crate::seed::{Community, Filled, PASSWORD, fill};
use crate::startup::{self, Opened};
use crate::wiring::{self, Slices};

/// Log-ins that are printed.
const PRINTED_MAX: usize = 12;
/// Longest wait until the feeds hold what was posted.
const FEEDS_MAX: Duration = Duration::from_secs(5 * 60);
const POLL: Duration = Duration::from_millis(100);
const REGISTRATIONS_MAX: u32 = 100_000;

pub async fn seed(config: &Config, args: &SeedArgs) -> Result<(), Stopped> {
    let mut config = config.clone();
    // The limits are there for strangers.
    config.accounts.registrations_per_address = REGISTRATIONS_MAX;
    config.accounts.attempts_per_address = REGISTRATIONS_MAX;
    config.accounts.hashing_threads = std::thread::available_parallelism().map_or(2, usize::from);

    let mut opened = startup::attach(&config).await?;
    let seeded = populate(&mut opened, &config, args).await;
    opened.close().await;
    let (plan, filled) = seeded?;
    tell(&plan, &filled, &config);
    Ok(())
}

async fn populate(opened: &mut Opened, config: &Config, args: &SeedArgs) -> Result<(Community, Filled), Stopped> {
    opened.migrate().await?;
    opened.stores.limiter = Arc::new(Local::new());
    let clock = Clock::system();
    let slices = Slices::start(&opened.stores, config, &clock).await?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let consumers = wiring::consumers(&opened.stores, &slices, &clock);
    let dispatch = Dispatch::new(opened.stores.db.clone(), clock.clone(), consumers);
    tasks.spawn(wiring::events(&opened.stores, config, &clock, &stop));
    tasks.spawn(Arc::clone(&dispatch).run(stop.clone()));
    tasks.spawn(slices.feed_worker.clone().run(stop.clone()));
    tasks.spawn(slices.chat.clone().run(clock.clone(), stop.clone()));

    let plan = Community::plan(args.seed, args.people as usize);
    let lines = progress::lines();
    let filled = Box::pin(fill(&slices, &plan, clock.now(), &lines)).await;
    let filled =
        filled.map_err(|error| Stopped::new(Exit::Unexpected, format_args!("The demo is not complete: {error}.")));
    if filled.is_ok() {
        settle(&dispatch, &lines).await?;
    }
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok((plan, filled?))
}

/// Waits until everybody's feed holds what was posted.
async fn settle(dispatch: &Dispatch, lines: &postgres::embedded::Progress) -> Result<(), Stopped> {
    let empty = async {
        while !dispatch.is_done().await? {
            sleep(POLL).await;
        }
        postgres::StoreResult::Ok(())
    };
    match lines.during(|| "Writing everybody's feed".to_owned(), timeout(FEEDS_MAX, empty)).await {
        Ok(done) => done.map_err(|error| Stopped::new(Exit::StoreUnavailable, error)),
        // A running Plaza goes on with them.
        Err(_) => Ok(()),
    }
}

fn tell(plan: &Community, filled: &Filled, config: &Config) {
    let Filled { people, people_new, follows, rooms, messages, posts, comments, .. } = filled;
    let Filled { livestreams, listings, reels, stories, reactions, saves, shares, .. } = filled;
    progress::result(format_args!(
        "{people} people ({people_new} of them new), {follows} followings, {rooms} rooms with {messages} messages, \
         {posts} posts, {reels} reels, {stories} stories, {comments} comments, {livestreams} livestreams, \
         {listings} listings, {reactions} reactions, {saves} saves, {shares} shares.\n\n\
         Log in as any of them; everybody's password is “{PASSWORD}”:\n"
    ));
    for person in plan.people.iter().take(PRINTED_MAX) {
        let private = if person.private { ", private" } else { "" };
        progress::result(format_args!("  {:<24} {}{private}", person.handle, person.name));
    }
    if let Some(more) = plan.people.len().checked_sub(PRINTED_MAX).filter(|more| *more > 0) {
        progress::result(format_args!("  … and {more} more"));
    }
    if let Some(first) = plan.people.first() {
        progress::result(format_args!(
            "\nFor example, with Plaza up:\n\n  curl http://{}/v1/sessions -H 'content-type: application/json' \\\n    -d \
             '{{\"handle\":\"{}\",\"password\":\"{PASSWORD}\"}}'",
            config.listen, first.handle
        ));
    }
}
