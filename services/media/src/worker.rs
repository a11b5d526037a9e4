//! Makes what was uploaded ready to be shown, and deletes what nobody needs.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use kernel::{Clock, MediaId, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use schemas::media::{MediaType, Poster, Refusal};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics::METRICS;
use crate::model::{Facts, Form, Media, REFUSED_KEPT, State, UNUSED_MAX, bytes_max, folder, form_key, parts_folder};
use crate::pictures::{self, Made};
use crate::sniff::{HEAD_BYTES, sniff};
use crate::{Error, References, Service, Settings, video};

/// How long an attempt has a file to itself without saying that it goes on: what a killed worker had in hand waits for so long.
pub const LEASE: Duration = Duration::from_secs(20);
/// How often it says so.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// Longest attempt.
const ATTEMPT_MAX: Duration = Duration::from_secs(10 * 60);
/// Attempts at a file, those included that ended with the process. Then it is refused.
pub const TRIES_MAX: i16 = 5;
/// Wait after an attempt that failed, times the attempts so far.
const BACKOFF: Duration = Duration::from_secs(5);
/// Wait between looks when nothing rings: another process may have received the last part.
const POLL: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Files that a sweep takes at once.
const SWEEP_BATCH: i64 = 200;
/// The still picture of a video.
const POSTER: [(&str, u32); 1] = [("poster", 1080)];

pub struct Worker {
    service: Arc<Service>,
    /// Without it nothing that is ready is swept.
    references: Option<Arc<dyn References>>,
    settings: Settings,
    clock: Clock,
}

/// How an attempt ended that did not fail.
enum Outcome {
    Ready { kind: MediaType, facts: Facts, forms: Vec<Form> },
    Refused(Refusal),
}

impl Worker {
    #[must_use]
    pub fn new(
        service: Arc<Service>,
        references: Option<Arc<dyn References>>,
        settings: Settings,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self { service, references, settings, clock })
    }

    /// Works until `stop`. Any number of processes may run it; what one has in hand when it is stopped, another begins anew.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        // Shown from the start, so that the first of each is seen as one.
        LazyLock::force(&METRICS);
        let mut lanes = JoinSet::new();
        for _ in 0..self.settings.workers {
            lanes.spawn(Arc::clone(&self).lane(stop.clone()));
        }
        lanes.spawn(Arc::clone(&self).sweeps(stop.clone()));
        while lanes.join_next().await.is_some() {}
    }

    async fn lane(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let worked = stop.run_until_cancelled(self.work_once()).await;
            let worked = worked.unwrap_or(Ok(false)).unwrap_or_else(|error| {
                tracing::warn!(%error, "media cannot be processed; trying again");
                false
            });
            if !worked {
                let woken = timeout(POLL, self.service.whole.notified());
                let _ = stop.run_until_cancelled(woken).await;
            }
        }
    }

    async fn sweeps(self: Arc<Self>, stop: CancellationToken) {
        let mut due = interval(SWEEP_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(due.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.sweep()).await {
                tracing::warn!(%error, "media were not swept; will try again");
            }
        }
    }

    /// Makes one attempt at the file that has waited longest. Whether there was one.
    pub async fn work_once(&self) -> Result<bool, Error> {
        let (store, _) = self.service.parts_of_it();
        let now = self.clock.now();
        let Some(media) = store.claim(now, now.plus(LEASE)).await? else { return Ok(false) };
        let started = tokio::time::Instant::now();
        let outcome = if media.tries > TRIES_MAX {
            // Whoever tried before did not live to tell.
            Ok(Some(Outcome::Refused(Refusal::Failed)))
        } else {
            self.attempt(&media).await
        };
        METRICS.seconds.observe(started.elapsed().as_secs_f64());
        match outcome {
            Ok(Some(outcome)) => self.conclude(&media, outcome).await?,
            Ok(None) => self.lost(media.id).await?,
            Err(error) => self.failed(&media, &error).await?,
        }
        Ok(true)
    }

    /// Does the work while telling that it goes on. None: it is somebody else's now.
    async fn attempt(&self, media: &Media) -> Result<Option<Outcome>, Error> {
        let (store, _) = self.service.parts_of_it();
        let mut work = Box::pin(timeout(ATTEMPT_MAX, self.process(media)));
        let mut renewals = interval(RENEW_EVERY);
        renewals.tick().await;
        loop {
            tokio::select! {
                done = &mut work => {
                    let slow = |_| kernel::StoreError::unavailable("the attempt took too long");
                    return done.map_err(slow)?.map(Some);
                }
                _ = renewals.tick() => {
                    if !store.hold(media, self.clock.now().plus(LEASE)).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Everything up to, not including, the moment that makes it visible. It may be done twice: the same bytes get the same names.
    async fn process(&self, media: &Media) -> Result<Outcome, Error> {
        let (store, blobs) = self.service.parts_of_it();
        let (parts, bytes) = store.parts(media.id).await?;
        let Some(first) = parts.first().filter(|_| bytes == media.bytes) else {
            return Err(kernel::StoreError::broken("an upload lacks parts").into());
        };
        let head = blobs.range(first, 0..HEAD_BYTES as u64).await?;
        let Some(kind) = sniff(&head) else { return Ok(Outcome::Refused(Refusal::TypeUnsupported)) };
        if bytes > bytes_max(kind) {
            return Ok(Outcome::Refused(Refusal::TooLarge));
        }
        if kind.is_video() {
            return self.process_video(media, kind, &parts).await;
        }
        let whole = blobs.gather(&parts).await?;
        let made = off_thread(move || pictures::make(&whole, kind, &pictures::SIZES)).await?;
        let picture = match made {
            Ok(picture) => picture,
            Err(reason) => return Ok(Outcome::Refused(reason)),
        };
        let mut forms = Vec::with_capacity(picture.forms.len());
        for made in picture.forms {
            forms.push(self.keep(media.id, made).await?);
        }
        let facts = Facts { width: Some(picture.width), height: Some(picture.height), ..Facts::default() };
        Ok(Outcome::Ready { kind, facts, forms })
    }

    async fn process_video(&self, media: &Media, kind: MediaType, parts: &[String]) -> Result<Outcome, Error> {
        let (_, blobs) = self.service.parts_of_it();
        let key = form_key(media.id, "video");
        let bytes = blobs.join(&key, parts).await?;
        let mut facts = match video::facts(blobs, &key, kind, bytes).await? {
            Ok(facts) => facts,
            Err(reason) => return Ok(Outcome::Refused(reason)),
        };
        let mut forms = Vec::new();
        facts.poster = Some(match self.poster(&key, kind, bytes).await {
            Ok(made) => {
                forms.push(self.keep(media.id, made).await?);
                Poster::Made
            }
            Err(video::Failed::NoProgram) => Poster::Unavailable,
            Err(why) => {
                tracing::info!(media = %media.id, %why, "a video has no poster");
                Poster::Failed
            }
        });
        let (width, height) = (facts.width, facts.height);
        forms.push(Form { name: "video".to_owned(), r#type: kind, bytes, width, height });
        Ok(Outcome::Ready { kind, facts, forms })
    }

    async fn poster(&self, key: &str, kind: MediaType, bytes: u64) -> Result<Made, video::Failed> {
        if self.settings.ffmpeg.is_empty() {
            return Err(video::Failed::NoProgram);
        }
        let (_, blobs) = self.service.parts_of_it();
        // Where the store is a bucket, ffmpeg has no file to read.
        let file = tempfile::NamedTempFile::new()?;
        let mut copy = tokio::fs::File::from_std(file.reopen()?);
        let mut stream = blobs.stream(key, 0..bytes).await.map_err(std::io::Error::other)?;
        while let Some(chunk) = stream.try_next().await.map_err(std::io::Error::other)? {
            copy.write_all(&chunk).await?;
        }
        copy.flush().await?;
        let still = video::poster(&self.settings.ffmpeg, file.path(), kind).await?;
        // Made anew like every other picture: what ffmpeg made of a stranger's bytes is a stranger's.
        let made = off_thread(move || pictures::make(&still, MediaType::Jpeg, &POSTER)).await;
        let made = made.map_err(std::io::Error::other)?.map_err(|_| video::Failed::Nothing)?;
        made.forms.into_iter().next().ok_or(video::Failed::Nothing)
    }

    async fn keep(&self, id: MediaId, made: Made) -> Result<Form, Error> {
        let (_, blobs) = self.service.parts_of_it();
        let form = Form {
            name: made.name.to_owned(),
            r#type: made.r#type,
            bytes: made.bytes.len() as u64,
            width: Some(made.width),
            height: Some(made.height),
        };
        blobs.put(&form_key(id, made.name), made.bytes).await?;
        Ok(form)
    }

    async fn conclude(&self, media: &Media, outcome: Outcome) -> Result<(), Error> {
        let (store, blobs) = self.service.parts_of_it();
        let now = self.clock.now();
        let mine = match outcome {
            Outcome::Ready { kind, facts, forms } => {
                METRICS.ready.inc();
                store.ready(media, kind, facts, &forms, now.plus(UNUSED_MAX)).await?
            }
            Outcome::Refused(reason) => {
                METRICS.refused.inc();
                tracing::info!(media = %media.id, ?reason, "a file was refused");
                let refused = store.refuse(media, reason, now.plus(REFUSED_KEPT)).await?;
                if refused {
                    blobs.delete_folder(&folder(media.id)).await?;
                }
                refused
            }
        };
        // Fails it, the sweep does it.
        if mine { self.tidy(media.id).await } else { self.lost(media.id).await }
    }

    /// Somebody else has the file now; or nobody wants it any more, and what this attempt wrote must not outlive it.
    async fn lost(&self, id: MediaId) -> Result<(), Error> {
        let (store, blobs) = self.service.parts_of_it();
        tracing::info!(media = %id, "a file was taken out of the hands of an attempt");
        if store.find(id).await?.is_none() {
            blobs.delete_folder(&folder(id)).await?;
        }
        Ok(())
    }

    async fn failed(&self, media: &Media, error: &Error) -> Result<(), Error> {
        METRICS.failed.inc();
        let now = self.clock.now();
        if media.tries >= TRIES_MAX {
            tracing::error!(media = %media.id, %error, "a file could not be processed, and is refused");
            return self.conclude(media, Outcome::Refused(Refusal::Failed)).await;
        }
        tracing::warn!(media = %media.id, %error, tries = media.tries, "a file could not be processed; it will be tried again");
        let wait = BACKOFF * u32::from(media.tries.unsigned_abs());
        let (store, _) = self.service.parts_of_it();
        store.hold(media, now.plus(wait)).await.map(drop).map_err(Error::from)
    }

    async fn tidy(&self, id: MediaId) -> Result<(), Error> {
        let (store, blobs) = self.service.parts_of_it();
        blobs.delete_folder(&parts_folder(id)).await?;
        Ok(store.forget_parts(id).await?)
    }

    /// Deletes what was given up, refused long ago, or is shown by nothing. How many files.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let (store, blobs) = self.service.parts_of_it();
        let now = self.clock.now();
        while store.give_up(now, SWEEP_BATCH).await? == SWEEP_BATCH.unsigned_abs() {}
        self.sort_out().await?;
        for id in store.with_surplus_parts(SWEEP_BATCH).await? {
            self.tidy(id).await?;
        }
        let mut swept = 0;
        loop {
            let going = store.going(SWEEP_BATCH).await?;
            for id in &going {
                blobs.delete_folder(&folder(*id)).await?;
                store.forget(*id).await?;
                METRICS.swept.inc();
                swept += 1;
            }
            if going.len() < SWEEP_BATCH.unsigned_abs() as usize {
                return Ok(swept);
            }
        }
    }

    /// Asks of ready files, each once a day, whether anything shows them.
    async fn sort_out(&self) -> Result<(), Error> {
        let Some(references) = &self.references else { return Ok(()) };
        let (store, _) = self.service.parts_of_it();
        loop {
            let now = self.clock.now();
            let asked = store.perhaps_unused(now, SWEEP_BATCH).await?;
            if asked.is_empty() {
                return Ok(());
            }
            let found = references.used(&asked).await?;
            let (used, unused): (Vec<_>, Vec<_>) = asked.into_iter().partition(|id| found.contains(id));
            store.sort(&used, &unused, now, now.plus(UNUSED_MAX)).await?;
        }
    }
}

/// Runs what takes long on a thread that serves nobody. A panic there is an attempt that failed.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| kernel::StoreError::broken(error).into())
}

#[derive(Deserialize)]
struct AccountDeleted {
    user: UserId,
}

/// Whoever deletes their account deletes what they uploaded.
#[async_trait]
impl Consumer for Worker {
    fn name(&self) -> &'static str {
        "media"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "account.deleted"
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let AccountDeleted { user } = serde_json::from_value(event.payload.clone())?;
        self.service.let_go_of(user).await.map_err(Error::from)?;
        Ok(())
    }
}

const _: () =
    assert!(State::Processing.number() == 2 && State::Ready.number() == 3, "as the statements of the store say");
