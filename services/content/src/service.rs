//! The use cases of content.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kernel::{ContentId, ContentKind, Ctx, Cursor, Page, PageSize, StoreError, Timestamp, UserId};
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::content::{
    ContentCreate, ContentCreated, ContentDeleted, ContentEdit, ContentEdited, HashtagSpan, MentionSpan,
};

use crate::error::Error;
use crate::model::{Content, Sight};
use crate::neighbours::{People, Relations};
use crate::place::{PlaceEdit, place};
use crate::store::{self, Store};
use crate::text::{Hashtag, Text};

/// Rounds in which a list looks further when the reader may not see what it found.
const ROUNDS_MAX: usize = 3;
/// What a deleted account published that is buried in one transaction.
const BURIED_AT_ONCE: i64 = 500;

/// What somebody asked for by ids.
#[derive(Debug, Clone, Default)]
pub struct Visible {
    /// What the reader may read, in the order asked.
    pub contents: Vec<schemas::content::Content>,
    /// What was deleted, or never was.
    pub gone: Vec<ContentId>,
}

pub struct Service {
    pub(crate) store: Store,
    pub(crate) people: Arc<dyn People>,
    relations: Arc<dyn Relations>,
}

impl Service {
    #[must_use]
    pub fn new(db: Db, people: Arc<dyn People>, relations: Arc<dyn Relations>) -> Arc<Self> {
        Arc::new(Self { store: Store::new(db), people, relations })
    }

    pub async fn create(&self, ctx: &Ctx, input: ContentCreate) -> Result<schemas::content::Content, Error> {
        let ContentCreate::Post(input) = input;
        let text = Text::parse(&input.text)?;
        let place = input.place.map(place).transpose()?;
        let (person, mentions) = tokio::try_join!(self.person(ctx.user), self.mentions(ctx.user, &text))?;
        let content = Content {
            id: ContentId::new(ContentKind::Post, ctx.now),
            author: ctx.user,
            audience: input.audience.unwrap_or_default(),
            hashtags: hashtags(&text),
            text: text.as_str().to_owned(),
            mentions,
            place,
            version: 1,
            created_at: ctx.now,
            edited_at: None,
        };
        let event = ContentCreated {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            audience: content.audience,
            mentions: content.mentioned(),
            hashtags: content.tags(),
            parent: None,
            root: None,
            created_at: content.created_at,
            expires_at: None,
        };
        let mut tx = self.store.begin().await?;
        store::insert(&mut tx, &content).await?;
        store::announce(&mut tx, "content.created", content.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(rendered(content, &person))
    }

    pub async fn read(&self, ctx: &Ctx, id: ContentId) -> Result<schemas::content::Content, Error> {
        self.visible(ctx.user, &[id]).await?.contents.pop().ok_or(Error::NotFound)
    }

    pub async fn edit(&self, ctx: &Ctx, id: ContentId, input: ContentEdit) -> Result<schemas::content::Content, Error> {
        if input == ContentEdit::default() {
            return Err(Error::NothingToEdit);
        }
        let place = PlaceEdit::parse(input.place, input.remove_place)?;
        let text = match &input.text {
            Some(raw) => {
                let text = Text::parse(raw)?;
                let mentions = self.mentions(ctx.user, &text).await?;
                Some((text, mentions))
            }
            None => None,
        };
        let person = self.person(ctx.user).await?;
        let mut tx = self.store.begin().await?;
        let Some(mut content) = store::lock(&mut tx, id).await? else { return Err(Error::NotFound) };
        if content.author != ctx.user {
            drop(tx);
            return Err(self.not_yours(ctx, id).await);
        }
        if let Some((text, mentions)) = text {
            content.hashtags = hashtags(&text);
            content.text = text.as_str().to_owned();
            content.mentions = mentions;
        }
        place.apply(&mut content.place);
        content.audience = input.audience.unwrap_or(content.audience);
        content.version += 1;
        content.edited_at = Some(ctx.now);
        let event = ContentEdited {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            audience: content.audience,
            mentions: content.mentioned(),
            hashtags: content.tags(),
            version: content.version,
            edited_at: ctx.now,
        };
        store::update(&mut tx, &content).await?;
        store::announce(&mut tx, "content.edited", content.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(rendered(content, &person))
    }

    pub async fn delete(&self, ctx: &Ctx, id: ContentId) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        let Some(content) = store::lock(&mut tx, id).await? else { return Err(Error::NotFound) };
        if content.author != ctx.user {
            drop(tx);
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

    /// What a person published, as far as the caller may read them, newest first.
    pub async fn by_author(
        &self,
        ctx: &Ctx,
        author: &str,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<schemas::content::Content>, Error> {
        let before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let author = self.people.find(author).await?.ok_or(Error::PersonNotFound)?;
        let seen = self.sight(ctx.user, &[author]).await?;
        let (person, sight) = seen.get(&author).ok_or(Error::PersonNotFound)?;
        if *sight == Sight::Blocked {
            return Err(Error::PersonNotFound);
        }
        let audiences = sight.audiences();
        if audiences.is_empty() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let contents = self.store.by_author(author, &audiences, before, size).await?;
        let page = Page::cut(contents, size, |content| Cursor::encode(&content.id));
        Ok(page.map(|content| rendered(content, person)))
    }

    /// Public content with a hashtag that the caller may read, newest first.
    pub async fn by_hashtag(
        &self,
        ctx: &Ctx,
        tag: &str,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<schemas::content::Content>, Error> {
        let tag = Hashtag::parse(tag).ok_or(Error::NotAHashtag)?;
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let mut items: Vec<schemas::content::Content> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = self.store.by_tag(tag.as_str(), before, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|content| content.id).or(before);
            items.extend(self.readable(ctx.user, found).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |content| Cursor::encode(&content.id)));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: before.map(|id| Cursor::encode(&id)) })
    }

    /// What of `ids` the reader may read now. Three round trips, however many there are, two of them at once.
    pub async fn visible(&self, reader: UserId, ids: &[ContentId]) -> Result<Visible, Error> {
        let found = self.store.by_id(ids).await?;
        let place: HashMap<ContentId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let there: HashSet<ContentId> = found.iter().map(|content| content.id).collect();
        let gone = ids.iter().filter(|id| !there.contains(*id)).copied().collect();
        let mut contents = self.readable(reader, found).await?;
        contents.sort_by_key(|content| place.get(&content.id).copied());
        Ok(Visible { contents, gone })
    }

    /// Which of `contents` may be read by `reader`, in their order.
    async fn readable(&self, reader: UserId, contents: Vec<Content>) -> Result<Vec<schemas::content::Content>, Error> {
        if contents.is_empty() {
            return Ok(Vec::new());
        }
        let authors: HashSet<UserId> = contents.iter().map(|content| content.author).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let sights = self.sight(reader, &authors).await?;
        let readable = contents.into_iter().filter_map(|content| {
            let (person, sight) = sights.get(&content.author)?;
            sight.covers(content.audience).then(|| rendered(content, person))
        });
        Ok(readable.collect())
    }

    /// What `reader` sees of `authors`. Whoever is unknown to the accounts or to the graph is not seen at all, and when
    /// one of them does not answer, nothing is.
    pub(crate) async fn sight(
        &self,
        reader: UserId,
        authors: &[UserId],
    ) -> Result<HashMap<UserId, (PersonSummary, Sight)>, Error> {
        let (people, standing) =
            tokio::try_join!(self.people.summaries(authors), self.relations.standing(reader, authors))?;
        let seen = people.into_iter().filter_map(|(id, person)| {
            let standing = match standing.get(&id) {
                Some(standing) => *standing,
                None if id == reader => crate::model::Standing::default(),
                None => return None,
            };
            let sight = Sight::of(reader, id, person.private, standing);
            Some((id, (person, sight)))
        });
        Ok(seen.collect())
    }

    /// The people whom a text names, without those whom a block parts from the author.
    async fn mentions(&self, author: UserId, text: &Text) -> Result<Vec<MentionSpan>, Error> {
        let mut handles: Vec<&str> = text.mentions().iter().map(|(handle, _)| handle.as_str()).collect();
        handles.sort_unstable();
        handles.dedup();
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.people.ids_of(&handles).await?;
        let ids: Vec<UserId> = named.values().copied().collect();
        let standing = if ids.is_empty() { HashMap::new() } else { self.relations.standing(author, &ids).await? };
        let may = |id: &UserId| *id == author || standing.get(id).is_some_and(|standing| !standing.blocked);
        let spans = text.mentions().iter().filter_map(|(handle, span)| {
            let user = *named.get(handle.as_str()).filter(|id| may(id))?;
            Some(MentionSpan { user, start: span.start, end: span.end })
        });
        Ok(spans.collect())
    }

    /// The caller as an author. Asked before anything is written, so that what is written is always answered.
    async fn person(&self, id: UserId) -> Result<PersonSummary, Error> {
        self.people.summaries(&[id]).await?.remove(&id).ok_or(Error::NotFound)
    }

    /// Whoever may not read it is not told that it exists.
    async fn not_yours(&self, ctx: &Ctx, id: ContentId) -> Error {
        match self.read(ctx, id).await {
            Ok(_) => Error::NotYours,
            Err(error) => error,
        }
    }
}

async fn bury(tx: &mut sqlx::PgConnection, contents: &[Content], now: Timestamp) -> Result<(), Error> {
    let ids: Vec<ContentId> = contents.iter().map(|content| content.id).collect();
    store::bury(tx, &ids, now).await?;
    for content in contents {
        let event = ContentDeleted {
            content: content.id,
            kind: content.id.kind(),
            author: content.author,
            parent: None,
            root: None,
            deleted_at: now,
        };
        store::announce(tx, "content.deleted", content.id, &event, now).await?;
    }
    Ok(())
}

async fn commit(tx: sqlx::Transaction<'static, sqlx::Postgres>) -> Result<(), Error> {
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

fn rendered(content: Content, person: &PersonSummary) -> schemas::content::Content {
    schemas::content::Content {
        id: content.id,
        kind: content.id.kind(),
        author: person.clone(),
        text: content.text,
        mentions: content.mentions,
        hashtags: content.hashtags,
        audience: content.audience,
        media: Vec::new(),
        place: content.place,
        parent: None,
        root: None,
        title: None,
        state: None,
        price: None,
        availability: None,
        created_at: content.created_at,
        edited_at: content.edited_at,
        expires_at: None,
        version: content.version,
        engagement: None,
    }
}
