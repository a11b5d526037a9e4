//! Publishing, editing, deleting. [`reading`](crate::reading) has what readers do.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Clock, ContentId, Ctx, StoreError, Timestamp, UserId};
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::content::{
    Content as Shown, ContentCreate, ContentCreated, ContentDeleted, ContentEdit, ContentEdited, HashtagSpan,
    MentionSpan,
};

use crate::draft::{Draft, Edit, Unsuited};
use crate::error::Error;
use crate::kinds::rules;
use crate::model::{Content, Thread};
use crate::neighbours::{Engagements, MediaKind, MediaLibrary, People, Relations};
use crate::store::{self, Store};
use crate::text::{Hashtag, Text};
use crate::threads::COMMENT_DEPTH_MAX;

/// What is buried in one transaction, where there may be much.
pub(crate) const BURIED_AT_ONCE: i64 = 500;

/// Whom content asks.
pub struct Neighbours {
    pub people: Arc<dyn People>,
    pub relations: Arc<dyn Relations>,
    pub media: Arc<dyn MediaLibrary>,
    pub engagements: Arc<dyn Engagements>,
}

pub struct Service {
    pub(crate) store: Store,
    pub(crate) neighbours: Neighbours,
    pub(crate) clock: Clock,
}

impl Service {
    #[must_use]
    pub fn new(db: Db, neighbours: Neighbours, clock: Clock) -> Arc<Self> {
        Arc::new(Self { store: Store::new(db), neighbours, clock })
    }

    pub async fn create(&self, ctx: &Ctx, wish: ContentCreate) -> Result<Shown, Error> {
        let draft = Draft::parse(wish)?;
        let thread = self.thread(ctx, draft.parent);
        let mentions = async {
            match &draft.text {
                Some(text) => self.mentions(ctx.user, text).await,
                None => Ok(Vec::new()),
            }
        };
        let asked = tokio::try_join!(self.person(ctx.user), mentions, thread, self.check_media(ctx.user, &draft));
        let (person, mentions, thread, ()) = asked?;
        let mut content = Content {
            id: ContentId::new(draft.kind, ctx.now),
            author: ctx.user,
            audience: draft.audience,
            hashtags: draft.text.as_ref().map(hashtags).unwrap_or_default(),
            text: draft.text.map(Text::into_string).unwrap_or_default(),
            mentions,
            media: draft.media,
            place: draft.place,
            thread,
            title: draft.title,
            state: draft.state,
            price: draft.price,
            availability: draft.availability,
            version: 1,
            created_at: ctx.now,
            edited_at: None,
            expires_at: rules(draft.kind).lifetime.map(|lifetime| ctx.now.plus(lifetime)),
        };
        let mut tx = self.store.begin().await?;
        if let Some(thread) = thread {
            // Whatever happens to the thread from now on happens to this comment too.
            content.audience = store::share(&mut tx, thread.root).await?.ok_or(Error::NotFound)?;
        }
        let event = ContentCreated {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            audience: content.audience,
            mentions: content.mentioned(),
            hashtags: content.tags(),
            parent: thread.map(|thread| thread.parent),
            root: thread.map(|thread| thread.root),
            created_at: content.created_at,
            expires_at: content.expires_at,
        };
        store::insert(&mut tx, &content).await?;
        store::announce(&mut tx, "content.created", content.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(self.answer(ctx.user, content, person).await)
    }

    pub async fn edit(&self, ctx: &Ctx, id: ContentId, wish: ContentEdit) -> Result<Shown, Error> {
        let mut edit = Edit::parse(id.kind(), wish)?;
        let text = match edit.text.take() {
            Some(text) => {
                let mentions = self.mentions(ctx.user, &text).await?;
                Some((text, mentions))
            }
            None => None,
        };
        let person = self.person(ctx.user).await?;
        let mut tx = self.store.begin().await?;
        let locked = store::lock(&mut tx, id).await?.filter(|content| !content.is_over(ctx.now));
        let Some(mut content) = locked else { return Err(let_go(tx).await.err().unwrap_or(Error::NotFound)) };
        if content.author != ctx.user {
            let_go(tx).await?;
            return Err(self.not_yours(ctx, id).await);
        }
        if let Some((text, mentions)) = text {
            content.hashtags = hashtags(&text);
            content.text = text.into_string();
            content.mentions = mentions;
        }
        edit.apply(&mut content)?;
        content.version += 1;
        content.edited_at = Some(ctx.now);
        let event = ContentEdited {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            audience: content.audience,
            mentions: content.mentioned(),
            hashtags: content.tags(),
            parent: content.thread.map(|thread| thread.parent),
            root: content.thread.map(|thread| thread.root),
            version: content.version,
            edited_at: ctx.now,
        };
        store::update(&mut tx, &content).await?;
        store::announce(&mut tx, "content.edited", content.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(self.answer(ctx.user, content, person).await)
    }

    pub async fn delete(&self, ctx: &Ctx, id: ContentId) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        let locked = store::lock(&mut tx, id).await?.filter(|content| !content.is_over(ctx.now));
        let Some(content) = locked else { return Err(let_go(tx).await.err().unwrap_or(Error::NotFound)) };
        if content.author != ctx.user {
            let_go(tx).await?;
            return Err(self.not_yours(ctx, id).await);
        }
        bury(&mut tx, &[content], ctx.now).await?;
        commit(tx).await
    }

    /// Deletes everything of an account that is gone.
    pub async fn delete_all_of(&self, author: UserId, now: Timestamp) -> Result<(), Error> {
        loop {
            let mut tx = self.store.begin().await?;
            let contents = store::lock_some_of(&mut tx, author, BURIED_AT_ONCE).await?;
            if contents.is_empty() {
                return Ok(());
            }
            bury(&mut tx, &contents, now).await?;
            commit(tx).await?;
        }
    }

    /// Where a comment on `parent` stands, if the caller may read that.
    async fn thread(&self, ctx: &Ctx, parent: Option<ContentId>) -> Result<Option<Thread>, Error> {
        let Some(parent) = parent else { return Ok(None) };
        let parent = self.open_to(ctx.user, parent).await?.ok_or(Error::NotFound)?;
        let above = parent.thread;
        let thread = Thread {
            parent: parent.id,
            root: above.map_or(parent.id, |above| above.root),
            depth: above.map_or(1, |above| above.depth + 1),
        };
        if thread.depth > COMMENT_DEPTH_MAX { Err(Error::TooDeep) } else { Ok(Some(thread)) }
    }

    async fn check_media(&self, owner: UserId, draft: &Draft) -> Result<(), Error> {
        if draft.media.is_empty() {
            return Ok(());
        }
        let ready = self.neighbours.media.ready(owner, &draft.media).await?;
        let videos_only = rules(draft.kind).media.videos_only;
        for id in &draft.media {
            let kind = ready.get(id).ok_or(Unsuited::MediaNotFound)?;
            if videos_only && *kind != MediaKind::Video {
                return Err(Unsuited::NoVideo.into());
            }
        }
        Ok(())
    }

    /// The people whom a text names, without those whom a block parts from the author.
    async fn mentions(&self, author: UserId, text: &Text) -> Result<Vec<MentionSpan>, Error> {
        let mut handles: Vec<&str> = text.mentions().iter().map(|(handle, _)| handle.as_str()).collect();
        handles.sort_unstable();
        handles.dedup();
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.neighbours.people.ids_of(&handles).await?;
        let ids: Vec<UserId> = named.values().copied().collect();
        let standing =
            if ids.is_empty() { HashMap::new() } else { self.neighbours.relations.standing(author, &ids).await? };
        let may = |id: &UserId| *id == author || standing.get(id).is_some_and(|standing| !standing.blocked);
        let spans = text.mentions().iter().filter_map(|(handle, span)| {
            let user = *named.get(handle.as_str()).filter(|id| may(id))?;
            Some(MentionSpan { user, start: span.start, end: span.end })
        });
        Ok(spans.collect())
    }

    /// The caller as an author. Asked before anything is written, so that what is written is always answered.
    async fn person(&self, id: UserId) -> Result<PersonSummary, Error> {
        self.neighbours.people.summaries(&[id]).await?.remove(&id).ok_or(Error::NotFound)
    }

    /// Whoever may not read it is not told that it exists.
    async fn not_yours(&self, ctx: &Ctx, id: ContentId) -> Error {
        match self.read(ctx, id).await {
            Ok(_) => Error::NotYours,
            Err(error) => error,
        }
    }
}

pub(crate) async fn bury(tx: &mut sqlx::PgConnection, contents: &[Content], now: Timestamp) -> Result<(), Error> {
    let ids: Vec<ContentId> = contents.iter().map(|content| content.id).collect();
    store::bury(tx, &ids, now).await?;
    for content in contents {
        let event = ContentDeleted {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            parent: content.thread.map(|thread| thread.parent),
            root: content.thread.map(|thread| thread.root),
            deleted_at: now,
        };
        store::announce(tx, "content.deleted", content.id, &event, now).await?;
    }
    Ok(())
}

/// Ends a transaction that has changed nothing, and its locks with it: a transaction that is dropped ends some time later.
async fn let_go(tx: sqlx::Transaction<'static, sqlx::Postgres>) -> Result<(), Error> {
    tx.rollback().await.map_err(postgres::fault).map_err(StoreError::into)
}

pub(crate) async fn commit(tx: sqlx::Transaction<'static, sqlx::Postgres>) -> Result<(), Error> {
    telemetry::timed("postgres", "content.commit", tx.commit()).await.map_err(postgres::fault).map_err(StoreError::into)
}

fn hashtags(text: &Text) -> Vec<HashtagSpan> {
    let span = |(tag, span): &(Hashtag, crate::text::Span)| HashtagSpan {
        tag: tag.as_str().to_owned(),
        start: span.start,
        end: span.end,
    };
    text.hashtags().iter().map(span).collect()
}
