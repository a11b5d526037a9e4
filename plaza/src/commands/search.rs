//! `plaza search …`

use std::future::Future;
use std::time::Duration;

use index::Kind;
use index::pipeline::{self, CONSUMER, Found, Mappings, PipelineError, Report, State};
use kernel::Clock;
use postgres::{Db, StoreResult};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cli::{KindArgs, SearchCommand};
use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::progress;
use crate::startup::{self, Opened};
use crate::wiring::{self, Index};

/// Differences of a kind that are printed, and dead letters.
const PRINTED_MAX: usize = 50;
const POLL: Duration = Duration::from_millis(300);
/// Longest wait for an index that is behind.
const BEHIND_MAX: Duration = Duration::from_secs(10 * 60);

pub async fn search(config: &Config, command: &SearchCommand) -> Result<(), Stopped> {
    let mut opened = startup::attach(config).await?;
    let done = run(&mut opened, config, command).await;
    opened.close().await;
    done
}

async fn run(opened: &mut Opened, config: &Config, command: &SearchCommand) -> Result<(), Stopped> {
    opened.migrate().await?;
    let (db, clock) = (opened.stores.db.clone(), Clock::system());
    let log = wiring::message_log(&opened.stores, config, &clock).await?;
    let mappings = wiring::mappings(&opened.stores, &log);
    match command {
        SearchCommand::Dead(args) => dead(&db, &kinds(&mappings, args)?).await,
        SearchCommand::Reindex(args) => {
            let kinds = kinds(&mappings, args)?;
            beside_a_writer(opened, config, &clock, &mappings, |_| reindex(&db, &kinds)).await
        }
        SearchCommand::Verify(args) => {
            let kinds = kinds(&mappings, args)?;
            beside_a_writer(opened, config, &clock, &mappings, |index| verify(&db, index, &mappings, kinds)).await
        }
        SearchCommand::Replay(args) => {
            let kinds = kinds(&mappings, args)?;
            beside_a_writer(opened, config, &clock, &mappings, |_| replay(&db, &mappings, &kinds)).await
        }
    }
}

/// Does `work` while the index is written: by a Plaza that is up, or else by this process.
async fn beside_a_writer<F: Future<Output = Result<(), Stopped>>>(
    opened: &Opened,
    config: &Config,
    clock: &Clock,
    mappings: &Mappings,
    work: impl FnOnce(Index) -> F,
) -> Result<(), Stopped> {
    let index = Index::open(&opened.stores, config, clock, true)?;
    if !index.writable {
        return work(index).await;
    }
    let stop = CancellationToken::new();
    let stream = wiring::stream(&opened.stores, config, clock);
    let mut writer = tokio::spawn(index.clone().follow(mappings.clone(), stream, stop.clone()));
    let done = tokio::select! {
        done = work(index) => done,
        ended = &mut writer => return Err(match ended {
            Ok(Err(error)) => Stopped::new(Exit::StoreUnavailable, format_args!("The search index is not written: {error}.")),
            _ => Stopped::new(Exit::Unexpected, "The search index is not written any more."),
        }),
    };
    stop.cancel();
    drop(writer.await);
    done
}

async fn reindex(db: &Db, kinds: &[Kind]) -> Result<(), Stopped> {
    let before = pipeline::state(db, CONSUMER).await.map_err(no_store)?;
    for kind in kinds {
        pipeline::request(db, CONSUMER, *kind).await.map_err(no_store)?;
    }
    let built = async {
        while !is_built(db, before.as_ref(), kinds).await? {
            sleep(POLL).await;
        }
        StoreResult::Ok(())
    };
    let mut built = std::pin::pin!(built);
    let mut said = Vec::new();
    loop {
        tokio::select! {
            done = &mut built => {
                done.map_err(no_store)?;
                break;
            }
            () = sleep(Duration::from_secs(1)) => {
                let state = pipeline::state(db, CONSUMER).await.map_err(no_store)?;
                let lines: Vec<String> =
                    kinds.iter().filter_map(|kind| building(state.as_ref()?, *kind)).collect();
                if lines != said {
                    lines.iter().for_each(|line| progress::say(format_args!("  {line}")));
                    said = lines;
                }
            }
        }
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    progress::result(format_args!("Built anew, and searched from now on: {}.", names.join(", ")));
    Ok(())
}

/// Whether each kind is searched in another generation than before, with nothing left to do.
async fn is_built(db: &Db, before: Option<&State>, kinds: &[Kind]) -> StoreResult<bool> {
    if !pipeline::requested(db, CONSUMER).await?.is_empty() {
        return Ok(false);
    }
    let Some(state) = pipeline::state(db, CONSUMER).await? else { return Ok(false) };
    let generation = |state: &State, kind: Kind| state.of(kind).and_then(|of| of.live).map(|live| live.generation);
    Ok(kinds.iter().all(|kind| {
        let is_building = state.of(*kind).is_none_or(|of| of.build.is_some());
        let now = generation(&state, *kind);
        !is_building && now.is_some() && now != before.and_then(|before| generation(before, *kind))
    }))
}

fn building(state: &State, kind: Kind) -> Option<String> {
    let build = state.of(kind)?.build.as_ref()?;
    let (documents, generation) = (build.documents, build.made.generation);
    Some(match build.expected {
        0 => format!("{kind}: generation {generation}, {documents} documents"),
        expected => {
            let percent = (documents * 100 / expected).min(99);
            format!("{kind}: generation {generation}, {documents} of about {expected} documents, {percent} %")
        }
    })
}

async fn verify(db: &Db, index: Index, mappings: &Mappings, kinds: Vec<Kind>) -> Result<(), Stopped> {
    let mut fine = true;
    for kind in kinds {
        let Some(mapping) = mappings.of(kind) else { continue };
        let report = pipeline::verify(db, &*index.engine, mapping, BEHIND_MAX).await.map_err(not_compared)?;
        fine &= report.is_fine();
        tell(&report);
    }
    if fine { Ok(()) } else { Err(Stopped::new(Exit::Differs, "the index differs from the tables, see above.")) }
}

fn tell(report: &Report) {
    let Report { kind, in_tables, in_index, .. } = report;
    if report.generation.is_none() {
        progress::result(format_args!("WRONG {kind:<8} has not been built yet"));
        return;
    }
    if report.is_fine() {
        progress::result(format_args!("ok    {kind:<8} {in_tables} documents"));
        return;
    }
    let count = report.differences.len();
    let more = if report.more { " or more" } else { "" };
    progress::result(format_args!(
        "WRONG {kind:<8} {in_tables} documents in the tables, {in_index} in the index, {count}{more} that differ, {} that would \
         not stand still",
        report.undecided
    ));
    for difference in report.differences.iter().take(PRINTED_MAX) {
        let id = &difference.id;
        match &difference.found {
            Found::Missing => progress::result(format_args!("      missing  {id}")),
            Found::Dead { reason } => progress::result(format_args!("      dead     {id}: {reason}")),
            Found::Surplus { version } => progress::result(format_args!("      surplus  {id}, as of {version}")),
            Found::Stale { version } => progress::result(format_args!("      stale    {id}, as of {version}")),
            Found::Twice => progress::result(format_args!("      twice    {id}")),
        }
    }
    if count > PRINTED_MAX {
        progress::result(format_args!("      … and {} more", count - PRINTED_MAX));
    }
}

async fn dead(db: &Db, kinds: &[Kind]) -> Result<(), Stopped> {
    let (mut after, mut count) = (None::<(String, String)>, 0);
    loop {
        let place = after.as_ref().map(|(kind, id)| (kind.as_str(), id.as_str()));
        let letters = pipeline::dead_letters(db, CONSUMER, place, 500).await.map_err(no_store)?;
        let Some(last) = letters.last() else { break };
        after = Some((last.kind.clone(), last.id.clone()));
        for letter in letters.iter().filter(|letter| kinds.iter().any(|kind| kind.name() == letter.kind)) {
            count += 1;
            if count <= PRINTED_MAX {
                let pipeline::DeadLetter { kind, id, reason, tries, last_at, .. } = letter;
                progress::result(format_args!("{kind:<8} {id}  tried {tries}×, last at {last_at}: {reason}"));
            }
        }
    }
    if count > PRINTED_MAX {
        progress::result(format_args!("… and {} more", count - PRINTED_MAX));
    }
    if count == 0 {
        progress::result("No dead letters: every document could be indexed.");
    } else {
        progress::result(format_args!("\n{count} dead letters. `plaza search replay` tries them again."));
    }
    Ok(())
}

async fn replay(db: &Db, mappings: &Mappings, kinds: &[Kind]) -> Result<(), Stopped> {
    let mut replayed = 0;
    for kind in kinds {
        replayed += pipeline::replay(db, CONSUMER, mappings, Some(*kind)).await.map_err(no_store)?;
    }
    pipeline::catch_up(db, BEHIND_MAX).await.map_err(not_compared)?;
    progress::result(format_args!("{replayed} documents were tried again:\n"));
    dead(db, kinds).await
}

/// The kinds that are meant: one, or all.
fn kinds(mappings: &Mappings, args: &KindArgs) -> Result<Vec<Kind>, Stopped> {
    let all = mappings.kinds();
    let Some(name) = &args.kind else { return Ok(all) };
    match all.iter().find(|kind| kind.name() == name) {
        Some(kind) => Ok(vec![*kind]),
        None => {
            let names: Vec<&str> = all.iter().map(|kind| kind.name()).collect();
            Err(Stopped::new(
                Exit::Usage,
                format_args!("There is no kind of documents called “{name}”; there are {}.", names.join(", ")),
            ))
        }
    }
}

fn no_store(error: kernel::StoreError) -> Stopped {
    Stopped::new(Exit::StoreUnavailable, error)
}

fn not_compared(error: PipelineError) -> Stopped {
    let hint = match &error {
        PipelineError::Behind { .. } => " The worker of a running Plaza brings it up to date: see its log.",
        _ => "",
    };
    Stopped::new(Exit::StoreUnavailable, format_args!("The index cannot be looked at: {error}.{hint}"))
}
