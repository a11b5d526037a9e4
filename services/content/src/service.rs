//! The use cases of posts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kernel::{Ctx, Cursor, Page, PageSize, PostId, StoreError, Timestamp, UserId};
use postgres::Db;
use schemas::accounts::PersonSummary;
use schemas::content::{
    HashtagSpan, MentionSpan, PostCreate, PostCreated, PostDeleted, PostEdit, PostEdited, PostKind,
};

use crate::error::Error;
use crate::model::{Post, Sight};
use crate::neighbours::{People, Relations};
use crate::place::{PlaceEdit, place};
use crate::store::{self, Store};
use crate::text::{Hashtag, Text};

/// Rounds in which a list looks for further posts when the reader may not see those that it found.
const ROUNDS_MAX: usize = 3;
/// Posts of a deleted account that are buried in one transaction.
const BURIED_AT_ONCE: i64 = 500;

/// Posts that somebody asked for by their ids.
#[derive(Debug, Clone, Default)]
pub struct Visible {
    /// Those that the reader may read, in the order asked.
    pub posts: Vec<schemas::content::Post>,
    /// Those that were deleted, or never were.
    pub gone: Vec<PostId>,
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

    pub async fn create(&self, ctx: &Ctx, input: PostCreate) -> Result<schemas::content::Post, Error> {
        let text = Text::parse(&input.text)?;
        let place = input.place.map(place).transpose()?;
        let (person, mentions) = tokio::try_join!(self.person(ctx.user), self.mentions(ctx.user, &text))?;
        let post = Post {
            id: PostId::new(ctx.now),
            kind: PostKind::Text,
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
        let event = PostCreated {
            post: post.id,
            kind: post.kind,
            author: post.author,
            audience: post.audience,
            mentions: post.mentioned(),
            hashtags: post.tags(),
            created_at: post.created_at,
        };
        let mut tx = self.store.begin().await?;
        store::insert(&mut tx, &post).await?;
        store::announce(&mut tx, "post.created", post.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(rendered(post, &person))
    }

    pub async fn read(&self, ctx: &Ctx, id: PostId) -> Result<schemas::content::Post, Error> {
        self.visible(ctx.user, &[id]).await?.posts.pop().ok_or(Error::NotFound)
    }

    pub async fn edit(&self, ctx: &Ctx, id: PostId, input: PostEdit) -> Result<schemas::content::Post, Error> {
        if input == PostEdit::default() {
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
        let Some(mut post) = store::lock(&mut tx, id).await? else { return Err(Error::NotFound) };
        if post.author != ctx.user {
            drop(tx);
            return Err(self.not_yours(ctx, id).await);
        }
        if let Some((text, mentions)) = text {
            post.hashtags = hashtags(&text);
            post.text = text.as_str().to_owned();
            post.mentions = mentions;
        }
        place.apply(&mut post.place);
        post.audience = input.audience.unwrap_or(post.audience);
        post.version += 1;
        post.edited_at = Some(ctx.now);
        let event = PostEdited {
            post: post.id,
            kind: post.kind,
            author: post.author,
            audience: post.audience,
            mentions: post.mentioned(),
            hashtags: post.tags(),
            version: post.version,
            edited_at: ctx.now,
        };
        store::update(&mut tx, &post).await?;
        store::announce(&mut tx, "post.edited", post.id, &event, ctx.now).await?;
        commit(tx).await?;
        Ok(rendered(post, &person))
    }

    pub async fn delete(&self, ctx: &Ctx, id: PostId) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        let Some(post) = store::lock(&mut tx, id).await? else { return Err(Error::NotFound) };
        if post.author != ctx.user {
            drop(tx);
            return Err(self.not_yours(ctx, id).await);
        }
        bury(&mut tx, &[post], ctx.now).await?;
        commit(tx).await
    }

    /// Deletes everything of an account that is gone.
    pub async fn delete_all_of(&self, author: UserId, now: Timestamp) -> Result<(), Error> {
        loop {
            let mut tx = self.store.begin().await?;
            let posts = store::lock_some_of(&mut tx, author, BURIED_AT_ONCE).await?;
            if posts.is_empty() {
                return Ok(());
            }
            bury(&mut tx, &posts, now).await?;
            commit(tx).await?;
        }
    }

    /// A person's posts, as far as the caller may read them, newest first.
    pub async fn by_author(
        &self,
        ctx: &Ctx,
        author: &str,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<schemas::content::Post>, Error> {
        let before = cursor.map(Cursor::decode::<PostId>).transpose()?;
        let author = self.people.find(author).await?.ok_or(Error::PersonNotFound)?;
        let seen = self.sight(ctx.user, &[author]).await?;
        let (person, sight) = seen.get(&author).ok_or(Error::PersonNotFound)?;
        let public_only = match sight {
            Sight::Blocked => return Err(Error::PersonNotFound),
            Sight::Nothing => return Ok(Page { items: Vec::new(), next: None }),
            Sight::PublicOnly => true,
            Sight::Everything => false,
        };
        let posts = self.store.by_author(author, public_only, before, size).await?;
        let page = Page::cut(posts, size, |post| Cursor::encode(&post.id));
        Ok(page.map(|post| rendered(post, person)))
    }

    /// Public posts with a hashtag that the caller may read, newest first.
    pub async fn by_hashtag(
        &self,
        ctx: &Ctx,
        tag: &str,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<schemas::content::Post>, Error> {
        let tag = Hashtag::parse(tag).ok_or(Error::NotAHashtag)?;
        let mut before = cursor.map(Cursor::decode::<PostId>).transpose()?;
        let mut items: Vec<schemas::content::Post> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = self.store.by_tag(tag.as_str(), before, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|post| post.id).or(before);
            items.extend(self.readable(ctx.user, found).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |post| Cursor::encode(&post.id)));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: before.map(|id| Cursor::encode(&id)) })
    }

    /// What of `ids` the reader may read now. Three round trips, however many there are, two of them at once.
    pub async fn visible(&self, reader: UserId, ids: &[PostId]) -> Result<Visible, Error> {
        let found = self.store.by_id(ids).await?;
        let place: HashMap<PostId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let there: HashSet<PostId> = found.iter().map(|post| post.id).collect();
        let gone = ids.iter().filter(|id| !there.contains(*id)).copied().collect();
        let mut posts = self.readable(reader, found).await?;
        posts.sort_by_key(|post| place.get(&post.id).copied());
        Ok(Visible { posts, gone })
    }

    /// The newest posts of `authors`, whoever may read them, older than `before`: newest first, in one round trip.
    pub async fn latest(
        &self,
        authors: &[UserId],
        before: Option<PostId>,
        limit: usize,
    ) -> Result<Vec<(PostId, UserId)>, Error> {
        Ok(self.store.latest(authors, before, limit as i64).await?)
    }

    /// Which of `posts` may be read by `reader`, in their order.
    async fn readable(&self, reader: UserId, posts: Vec<Post>) -> Result<Vec<schemas::content::Post>, Error> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let authors: HashSet<UserId> = posts.iter().map(|post| post.author).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let sights = self.sight(reader, &authors).await?;
        let readable = posts.into_iter().filter_map(|post| {
            let (person, sight) = sights.get(&post.author)?;
            sight.covers(post.audience).then(|| rendered(post, person))
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

    /// The caller as an author. Asked before anything is written, so that a written post is always answered.
    async fn person(&self, id: UserId) -> Result<PersonSummary, Error> {
        self.people.summaries(&[id]).await?.remove(&id).ok_or(Error::NotFound)
    }

    /// Whoever may not read a post is not told that it exists.
    async fn not_yours(&self, ctx: &Ctx, id: PostId) -> Error {
        match self.read(ctx, id).await {
            Ok(_) => Error::NotYours,
            Err(error) => error,
        }
    }
}

async fn bury(tx: &mut sqlx::PgConnection, posts: &[Post], now: Timestamp) -> Result<(), Error> {
    let ids: Vec<PostId> = posts.iter().map(|post| post.id).collect();
    store::bury(tx, &ids, now).await?;
    for post in posts {
        let event = PostDeleted { post: post.id, kind: post.kind, author: post.author, deleted_at: now };
        store::announce(tx, "post.deleted", post.id, &event, now).await?;
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

fn rendered(post: Post, person: &PersonSummary) -> schemas::content::Post {
    schemas::content::Post {
        id: post.id,
        kind: post.kind,
        author: person.clone(),
        text: post.text,
        mentions: post.mentions,
        hashtags: post.hashtags,
        audience: post.audience,
        place: post.place,
        created_at: post.created_at,
        edited_at: post.edited_at,
        version: post.version,
    }
}
