//! One slot, one sink.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::Clock;
use postgres::{Db, fault};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::assemble::Assembler;
use crate::drive::drive;
use crate::metrics::{METRICS, of};
use crate::read::read;
use crate::source::ChangeSource;
use crate::source::wire::Session;
use crate::{Error, Lsn, Settings, Sink, SlotIdentity, Snapshot, Spec, Start, Why, address, guard, slot};

/// Wait after a stream broke. Doubles each time it breaks soon.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A stream that told something for this long was well; its next pause is the shortest again.
const WELL_AFTER: Duration = Duration::from_secs(2);
/// How often a process that waits for its turn looks whether the slot is free.
const TAKEN_POLL: Duration = Duration::from_millis(500);
/// Batches that wait between reader and sink; one more is being put together, and one is with the sink.
const QUEUE: usize = 1;

/// What a stream is run with.
#[derive(Debug, Clone)]
pub struct Parts {
    pub db: Db,
    pub settings: Settings,
    pub clock: Clock,
}

/// Makes publication and slot if they are missing, reads the slot, and gives what it tells to `sink`, until `stop`.
/// Waits while another process reads the slot.
///
/// A connection that breaks is opened again, and a sink that fails is begun again from what it saved, with growing
/// pauses, for ever. `Err` only when somebody has to look: [`Error::LostAgain`].
pub async fn run(mut sink: Box<dyn Sink>, spec: Spec, parts: Parts, stop: CancellationToken) -> Result<(), Error> {
    LazyLock::force(&METRICS);
    let runner = Runner { spec, parts, reading: Arc::default() };
    let ended = runner.run(&mut *sink, &stop).await;
    let label = of(runner.spec.name);
    METRICS.reading.get_or_create(&label).set(0);
    if let Err(error) = &ended {
        METRICS.stopped.get_or_create(&label).set(1);
        tracing::error!(consumer = runner.spec.name, %error, "a consumer of the change stream has stopped");
    }
    ended
}

struct Runner {
    spec: Spec,
    parts: Parts,
    /// Whether this process holds the slot.
    reading: Arc<AtomicBool>,
}

impl Runner {
    async fn run(&self, sink: &mut dyn Sink, stop: &CancellationToken) -> Result<(), Error> {
        let label = of(self.spec.name);
        METRICS.stopped.get_or_create(&label).set(0);
        // At zero from the start, so that the first failure is seen as one.
        drop(METRICS.failures.get_or_create(&label));
        let mut guard: Option<AbortOnDropHandle<()>> = None;
        let mut pause = PAUSE_FIRST;
        while !stop.is_cancelled() {
            // Whether this connection has told anything.
            let mut told = false;
            let began = Instant::now();
            // Until the slot is held, nothing is lost by letting go at once.
            let opened = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                opened = self.open(&mut guard) => opened,
            };
            let ended = match opened {
                Ok((source, identity)) => self.tell(sink, source, identity, &mut told, stop).await,
                Err(error) => Err(error),
            };
            self.reading.store(false, Ordering::Relaxed);
            METRICS.reading.get_or_create(&label).set(0);
            let wait = match ended {
                Ok(()) => return Ok(()),
                Err(error @ Error::LostAgain { .. }) => return Err(error),
                Err(Error::Taken { .. }) => TAKEN_POLL,
                Err(error) => {
                    pause = if told && began.elapsed() > WELL_AFTER { PAUSE_FIRST } else { (pause * 2).min(PAUSE_MAX) };
                    METRICS.failures.get_or_create(&label).inc();
                    tracing::warn!(consumer = self.spec.name, %error, "a change stream broke; it is begun again");
                    pause
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
        Ok(())
    }

    /// Takes the slot.
    async fn open(
        &self,
        guard: &mut Option<AbortOnDropHandle<()>>,
    ) -> Result<(Box<dyn ChangeSource>, SlotIdentity), Error> {
        let (db, settings) = (self.parts.db.clone(), self.parts.settings.clone());
        if let Some(obstacle) = slot::obstacle(&db).await? {
            return Err(Error::Setup(obstacle));
        }
        let name = slot::name(&db, &self.spec).await?;
        guard.get_or_insert_with(|| {
            let watch = guard::watch(db.clone(), settings.clone(), self.spec.name, name.clone(), self.reading.clone());
            AbortOnDropHandle::new(tokio::spawn(watch))
        });
        if slot::look(&db, &name).await?.is_some_and(|state| state.active_pid.is_some()) {
            return Err(Error::Taken { slot: name });
        }
        slot::publish(&db, &self.spec).await?;
        let options = &self.spec.session_options;
        let config = address::config(&db, settings.url.as_ref(), &name, self.spec.name, options)?;
        let mut session = Session::open(config).await?;
        let made = self.made(&name, &mut session).await?;
        let identity = SlotIdentity { slot: name, system: session.system.clone(), timeline: session.timeline, made };
        let wire = session.stream().await?;
        self.reading.store(true, Ordering::Relaxed);
        METRICS.reading.get_or_create(&of(self.spec.name)).set(1);
        Ok((Box::new(wire), identity))
    }

    /// Where the slot begins. Makes it, if it is not there or not to be read any more; unless that happens too often.
    async fn made(&self, name: &str, session: &mut Session) -> Result<Lsn, Error> {
        let (db, now) = (&self.parts.db, self.parts.clock.now());
        let mut tx = db.begin().await?;
        // One process at a time, or two would find the same slot lost. Takes no transaction number: the slot that is
        // made inside would wait for it.
        sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut *tx).await.map_err(fault)?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))")
            .bind(name)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let before = slot::made(&mut tx, name).await?;
        let why_lost = match slot::look(db, name).await? {
            Some(state) if !state.lost => {
                if let Some(before) = before {
                    return Ok(before.at);
                }
                // Its maker died before it could note it down.
                slot::note(&mut tx, name, state.confirmed, false, now).await?;
                tx.commit().await.map_err(fault)?;
                return Ok(state.confirmed);
            }
            Some(_) => {
                slot::give_up(db, name).await?;
                Some("the server has thrown away log that it needed")
            }
            None => before.map(|_| "it was dropped"),
        };
        if let Some(why) = why_lost {
            let again = self.parts.settings.lost_again();
            let last = before.and_then(|made| made.lost_at).map(|lost_at| now.since(lost_at));
            if let Some(after) = last.filter(|after| *after < again && !self.spec.cheap_to_build) {
                return Err(Error::LostAgain { slot: name.to_owned(), after });
            }
            let error = slot::lost(name, why);
            tracing::error!(consumer = self.spec.name, %error, "a slot is made anew, and its consumer built anew");
        }
        let made = session.make().await?;
        // What was committed just before is not told; reads must see it.
        Snapshot::settle(&mut tx).await?;
        slot::note(&mut tx, name, made, why_lost.is_some(), now).await?;
        tx.commit().await.map_err(fault)?;
        Ok(made)
    }

    /// Gives the sink what the slot tells until something breaks, or until `stop`.
    async fn tell(
        &self,
        sink: &mut dyn Sink,
        source: Box<dyn ChangeSource>,
        identity: SlotIdentity,
        told: &mut bool,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let start = match self.start(sink, &identity).await {
            Ok(start) => start,
            Err(error) => {
                source.close().await;
                return Err(error);
            }
        };
        let name = &identity.slot;
        if let Start::Anew { from, why } = start {
            METRICS.rebuilds.get_or_create(&of(self.spec.name)).inc();
            tracing::info!(consumer = self.spec.name, %from, ?why, "a consumer begins anew");
        }
        let assembler = Assembler::new(start.from(), &self.parts.settings);
        let (batches, queue) = mpsc::channel(QUEUE);
        let (confirm, confirmed) = watch::channel(Lsn::ZERO);
        let done = CancellationToken::new();
        let idle = self.parts.settings.heartbeat() / 2;
        let reader = tokio::spawn(read(source, assembler, batches, confirmed, idle, done.clone()));
        let reader = AbortOnDropHandle::new(reader);
        let begun = sink.begin(&identity, start).await;
        let ended = match begun {
            Ok(()) => {
                let parts = (self.spec.name, self.parts.clock.clone());
                drive(sink, name, parts, queue, &confirm, start.from(), told, stop).await
            }
            Err(why) => Err(Error::Sink { slot: name.clone(), why }),
        };
        done.cancel();
        let read = reader.await;
        ended?;
        match read {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.of(name)),
            Err(error) => Err(Error::Connection { slot: name.clone(), why: error.to_string() }),
        }
    }

    /// Where the sink begins. The slot is held: nobody else moves it.
    async fn start(&self, sink: &mut dyn Sink, identity: &SlotIdentity) -> Result<Start, Error> {
        let name = &identity.slot;
        let saved = sink.saved().await.map_err(|why| Error::Sink { slot: name.clone(), why })?;
        let state = slot::look(&self.parts.db, name).await?.ok_or_else(|| slot::lost(name, "it was dropped"))?;
        let from = state.confirmed;
        let anew = |why| Start::Anew { from, why };
        Ok(match saved {
            None => anew(Why::First),
            Some(saved) if saved.slot != *identity || saved.position > state.flushed => anew(Why::AnotherSlot),
            Some(saved) if saved.position < from => anew(Why::Gap),
            Some(saved) => Start::Resumed { from: saved.position },
        })
    }
}
