//! Uploading, showing, reading.

use std::collections::HashMap;
use std::sync::Arc;

use blobs::{Blobs, ByteStream};
use bytes::Bytes;
use kernel::{Ctx, MediaId, StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use postgres::Db;
use schemas::media::{Attachment, MediaState, MediaUpload, Refusal, Rendition};
use tokio::sync::Notify;

use crate::Error;
use crate::links::{Link, Reach, Signer};
use crate::metrics::METRICS;
use crate::model::{
    DAY_BYTES_MAX, Facts, Form, LET_GO_AFTER, MEDIA_AT_ONCE_MAX, Media, PART_BYTES_MAX, PART_BYTES_MIN, REFUSED_KEPT,
    State, UNUSED_MAX, UPLOAD_MAX, UPLOADS_MAX, bytes_max, fits, form_key, parts_folder,
};
use crate::sniff::{HEAD_BYTES, sniff};
use crate::store::{Added, Store};

/// Parts that one process receives at once: each is held in memory.
pub const PARTS_MAX: usize = 32;
/// Of these, those of one person.
pub const PARTS_OF_ONE_MAX: usize = 4;
const SECRET: &str = "media.links";

pub struct Service {
    store: Store,
    blobs: Blobs,
    signer: Signer,
    /// Parts that are being received, by person.
    receiving: Mutex<HashMap<UserId, usize>>,
    /// Rings when a file is whole.
    pub(crate) whole: Notify,
}

/// A place among those whose parts are received. Given back when dropped.
pub struct Place {
    service: Arc<Service>,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut receiving = self.service.receiving.lock();
        if let Some(count) = receiving.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                receiving.remove(&self.user);
            }
        }
    }
}

/// A form that may be read.
#[derive(Debug)]
pub struct Readable {
    pub form: Form,
    pub link: Link,
    key: String,
}

impl Service {
    /// Takes its key for addresses from PostgreSQL, so that all nodes have the same.
    pub async fn start(db: Db, blobs: Blobs) -> Result<Arc<Self>, Error> {
        let key = db.secret(SECRET, &rand::random::<[u8; 32]>()).await?;
        Ok(Arc::new(Self {
            store: Store::new(db),
            blobs,
            signer: Signer::new(&key),
            receiving: Mutex::default(),
            whole: Notify::new(),
        }))
    }

    pub(crate) const fn parts_of_it(&self) -> (&Store, &Blobs) {
        (&self.store, &self.blobs)
    }

    /// Begins an upload.
    pub async fn begin(&self, ctx: &Ctx, input: MediaUpload) -> Result<schemas::media::Media, Error> {
        if !(1..=bytes_max(input.r#type)).contains(&input.bytes) {
            return Err(Error::Size(input.r#type));
        }
        let media = Media {
            id: MediaId::new(ctx.now),
            owner: ctx.user,
            state: State::Uploading,
            r#type: input.r#type,
            bytes: input.bytes,
            received: 0,
            tries: 0,
            due_at: ctx.now.plus(UPLOAD_MAX),
            reason: None,
            facts: Facts::default(),
            forms: Vec::new(),
            let_go: false,
            created_at: ctx.now,
        };
        let fits = |load: crate::store::Load| {
            if load.uploads >= UPLOADS_MAX {
                return Err(Error::TooManyUploads);
            }
            let bytes = load.bytes_today.saturating_add(media.bytes.cast_signed());
            if bytes > DAY_BYTES_MAX { Err(Error::Quota) } else { Ok(()) }
        };
        self.store.begin(&media, fits).await?;
        self.shown(media, ctx.now)
    }

    /// A place among those whose parts are received.
    pub fn place(self: &Arc<Self>, user: UserId) -> Result<Place, Error> {
        let mut receiving = self.receiving.lock();
        let all: usize = receiving.values().sum();
        let mine = receiving.get(&user).copied().unwrap_or_default();
        if all >= PARTS_MAX || mine >= PARTS_OF_ONE_MAX {
            return Err(Error::Busy);
        }
        receiving.insert(user, mine + 1);
        Ok(Place { service: Arc::clone(self), user })
    }

    /// The upload, if its next part begins at `start`: asked before the part is received, and again when it is noted.
    pub async fn goes_on_at(&self, ctx: &Ctx, id: MediaId, start: u64) -> Result<Media, Error> {
        let media = self.mine(ctx, id).await?;
        if media.state != State::Uploading {
            return Err(Error::Complete(media.received));
        }
        if start == media.received { Ok(media) } else { Err(Error::Elsewhere(media.received)) }
    }

    /// Adds a part. Where the next one begins. The part is written before it is noted: what is noted is durable, and what was
    /// written and not noted goes with the other parts.
    pub async fn append(&self, ctx: &Ctx, id: MediaId, start: u64, bytes: Bytes) -> Result<u64, Error> {
        let media = self.goes_on_at(ctx, id, start).await?;
        let len = bytes.len() as u64;
        if !fits(start, len, media.bytes) {
            return Err(Error::Part);
        }
        if start == 0 && sniff(&bytes[..bytes.len().min(HEAD_BYTES)]).is_none() {
            // The rest need not be sent.
            self.store.refuse(&media, Refusal::TypeUnsupported, ctx.now.plus(REFUSED_KEPT)).await?;
            METRICS.refused.inc();
            return Err(Error::TypeUnsupported);
        }
        // Its own name: of two that are sent at once, one is noted, and neither writes over the other.
        let blob = format!("{}/{start:012}-{:016x}", parts_folder(id), rand::random::<u64>());
        self.blobs.put(&blob, bytes).await?;
        match self.store.add(id, start, len, &blob, ctx.now).await {
            Ok(Added::Kept { complete }) => {
                METRICS.received.inc_by(len);
                if complete {
                    self.whole.notify_one();
                }
                Ok(start + len)
            }
            Ok(Added::Not(media)) => {
                self.discard(&blob).await;
                match media {
                    Some(media) if media.state == State::Uploading && media.due_at > ctx.now => {
                        Err(Error::Elsewhere(media.received))
                    }
                    Some(media) if media.state != State::Uploading => Err(Error::Complete(media.received)),
                    _ => Err(Error::NotFound),
                }
            }
            // It may have been noted: the blob stays.
            Err(error) => Err(error.into()),
        }
    }

    async fn discard(&self, blob: &str) {
        if let Err(error) = self.blobs.delete(blob).await {
            tracing::debug!(blob, %error, "a part that lost a race stays until its upload is done");
        }
    }

    /// An upload, as its owner sees it.
    pub async fn read(&self, ctx: &Ctx, id: MediaId) -> Result<schemas::media::Media, Error> {
        let media = self.mine(ctx, id).await?;
        self.shown(media, ctx.now)
    }

    /// Deletes an upload of the caller's, however far it is. What shows it goes on showing it until it goes itself.
    pub async fn delete(&self, ctx: &Ctx, id: MediaId) -> Result<(), Error> {
        self.mine(ctx, id).await?;
        if self.store.let_go(ctx.user, id, ctx.now.plus(LET_GO_AFTER)).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Those of `ids` that are `user`'s and ready. They are kept for a day from now on, so that what is about to show them can.
    pub async fn owned_and_ready(
        &self,
        user: UserId,
        ids: &[MediaId],
        now: Timestamp,
    ) -> Result<HashMap<MediaId, Attachment>, Error> {
        let media = self.store.touch(user, some(ids), now.plus(UNUSED_MAX)).await?;
        Ok(self.attachments(media, |_| Reach::Hidden, now))
    }

    /// What readers need to show those of `media` that are ready, each with who may have its addresses: of a file that is
    /// there twice, the fewer. One round trip.
    pub async fn describe(
        &self,
        media: &[(MediaId, Reach)],
        now: Timestamp,
    ) -> Result<HashMap<MediaId, Attachment>, Error> {
        if media.is_empty() {
            return Ok(HashMap::new());
        }
        let mut reaches: HashMap<MediaId, Reach> = HashMap::new();
        for (id, reach) in some(media) {
            let known = reaches.entry(*id).or_insert(*reach);
            if *reach == Reach::Hidden {
                *known = Reach::Hidden;
            }
        }
        let ids: Vec<MediaId> = reaches.keys().copied().collect();
        let found = self.store.by_id(&ids).await?;
        Ok(self.attachments(found, |id| reaches.get(&id).copied().unwrap_or(Reach::Hidden), now))
    }

    fn attachments(
        &self,
        media: Vec<Media>,
        reach: impl Fn(MediaId) -> Reach,
        now: Timestamp,
    ) -> HashMap<MediaId, Attachment> {
        let ready = media.into_iter().filter(|media| media.state == State::Ready);
        let described = ready.map(|media| {
            let attachment = Attachment {
                id: media.id,
                r#type: media.r#type,
                width: media.facts.width,
                height: media.facts.height,
                duration_ms: media.facts.duration_ms,
                renditions: self.renditions(&media, reach(media.id), now),
            };
            (media.id, attachment)
        });
        described.collect()
    }

    fn renditions(&self, media: &Media, reach: Reach, now: Timestamp) -> Vec<Rendition> {
        let rendition = |form: &Form| Rendition {
            name: form.name.clone(),
            r#type: form.r#type,
            bytes: form.bytes,
            width: form.width,
            height: form.height,
            url: self.signer.address(media.id, &form.name, reach, now),
        };
        media.forms.iter().map(rendition).collect()
    }

    /// Whether `key` lets its bearer read a form, and if it is there.
    pub async fn open(&self, id: MediaId, name: &str, key: &str, now: Timestamp) -> Result<Readable, Error> {
        let link = self.signer.open(id, name, key, now).ok_or(Error::Link)?;
        let media = self.store.find(id).await?.filter(|media| media.state == State::Ready).ok_or(Error::NotFound)?;
        let form = media.forms.into_iter().find(|form| form.name == name).ok_or(Error::NotFound)?;
        Ok(Readable { key: form_key(id, name), form, link })
    }

    /// The bytes of a range that is not empty.
    pub async fn bytes(&self, readable: &Readable, range: std::ops::Range<u64>) -> Result<ByteStream, Error> {
        Ok(self.blobs.stream(&readable.key, range).await?)
    }

    async fn mine(&self, ctx: &Ctx, id: MediaId) -> Result<Media, Error> {
        let mine = |media: &Media| media.owner == ctx.user && !media.let_go;
        let media = self.store.find(id).await?.filter(mine).ok_or(Error::NotFound)?;
        // Given up already, though nobody has come by yet.
        let late = media.state == State::Uploading && media.due_at <= ctx.now;
        if late { Err(Error::NotFound) } else { Ok(media) }
    }

    fn shown(&self, media: Media, now: Timestamp) -> Result<schemas::media::Media, Error> {
        let state = media.state.shown().ok_or(Error::NotFound)?;
        let uploading = state == MediaState::Uploading;
        Ok(schemas::media::Media {
            id: media.id,
            state,
            r#type: media.r#type,
            bytes: media.bytes,
            received: media.received,
            part_bytes_min: uploading.then_some(PART_BYTES_MIN),
            part_bytes_max: uploading.then_some(PART_BYTES_MAX),
            expires_at: uploading.then_some(media.due_at),
            reason: media.reason,
            width: media.facts.width,
            height: media.facts.height,
            duration_ms: media.facts.duration_ms,
            poster: media.facts.poster,
            renditions: self.renditions(&media, Reach::Hidden, now),
            created_at: media.created_at,
        })
    }

    /// Lets go of everything that a person uploaded; the worker deletes it.
    pub async fn let_go_of(&self, owner: UserId) -> Result<u64, StoreError> {
        self.store.let_go_of(owner).await
    }
}

/// As many as may be asked for together.
fn some<T>(ids: &[T]) -> &[T] {
    &ids[..ids.len().min(MEDIA_AT_ONCE_MAX)]
}
