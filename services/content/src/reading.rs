//! What readers do: who may read what is decided here, for everything that shows content.

use std::collections::{HashMap, HashSet};

use kernel::{ContentId, ContentKind, Ctx, Cursor, MediaId, Page, PageSize, UserId};
use schemas::accounts::PersonSummary;
use schemas::content::{Audience, Content as Shown};
use schemas::engagement::Engagement;
use schemas::media::Attachment;

use crate::error::Error;
use crate::model::{Content, Sight, Standing};
use crate::service::Service;
use crate::store::Below;
use crate::text::Hashtag;

/// Rounds in which a list looks further when the reader may not see what it found.
const ROUNDS_MAX: usize = 3;

/// What somebody asked for by ids.
#[derive(Debug, Clone, Default)]
pub struct Visible {
    /// What the reader may read, in the order asked.
    pub contents: Vec<Shown>,
    /// What was deleted, is over, or never was; comments with what they are about.
    pub gone: Vec<ContentId>,
}

/// What a reader sees of people.
type Sights = HashMap<UserId, (PersonSummary, Sight)>;

/// What threads are about, by id.
type Roots = HashMap<ContentId, (UserId, Audience)>;

impl Service {
    pub async fn read(&self, ctx: &Ctx, id: ContentId) -> Result<Shown, Error> {
        self.visible(ctx.user, &[id]).await?.contents.pop().ok_or(Error::NotFound)
    }

    /// What of `ids` the reader may read now: the one gate, for every surface. When an owner of what decides does not
    /// answer, it fails. Three round trips, one after the other, however many there are (one more where there are comments).
    pub async fn visible(&self, reader: UserId, ids: &[ContentId]) -> Result<Visible, Error> {
        let found = self.store.by_id(ids, self.clock.now()).await?;
        let roots = self.roots(&found).await?;
        let there = |content: &Content| content.thread.is_none_or(|thread| roots.contains_key(&thread.root));
        let found: Vec<Content> = found.into_iter().filter(there).collect();
        let there: HashSet<ContentId> = found.iter().map(|content| content.id).collect();
        let gone = ids.iter().filter(|id| !there.contains(*id)).copied().collect();
        let place: HashMap<ContentId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let mut contents = self.readable(reader, found, &roots).await?;
        contents.sort_by_key(|content| place.get(&content.id).copied());
        Ok(Visible { contents, gone })
    }

    /// What a person published, as far as the caller may read it, newest first: of one kind, or of all that are listed.
    pub async fn by_author(
        &self,
        ctx: &Ctx,
        author: &str,
        kind: Option<ContentKind>,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Shown>, Error> {
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let author = self.neighbours.people.find(author).await?.ok_or(Error::PersonNotFound)?;
        let seen = self.sights(ctx.user, &[author]).await?;
        let (_, sight) = seen.get(&author).ok_or(Error::PersonNotFound)?;
        if *sight == Sight::Blocked {
            return Err(Error::PersonNotFound);
        }
        // Of comments, what they are about decides, which is looked at below.
        let audiences = if kind == Some(ContentKind::Comment) { Audience::ALL.to_vec() } else { sight.audiences() };
        if audiences.is_empty() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let mut items: Vec<Shown> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let at = (self.clock.now(), size);
            let found = self.store.by_author(author, kind, &audiences, before, at).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|content| content.id).or(before);
            let roots = self.roots(&found).await?;
            items.extend(self.readable(ctx.user, found, &roots).await?);
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

    /// Public content with a hashtag that the caller may read, newest first.
    pub async fn by_hashtag(
        &self,
        ctx: &Ctx,
        tag: &str,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Shown>, Error> {
        let tag = Hashtag::parse(tag).ok_or(Error::NotAHashtag)?;
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let mut items: Vec<Shown> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = self.store.by_tag(tag.as_str(), before, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|content| content.id).or(before);
            items.extend(self.readable(ctx.user, found, &Roots::new()).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |content| Cursor::encode(&content.id)));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: before.map(|id| Cursor::encode(&id)) })
    }

    /// Comments that answer `id`, or, of a whole thread, all below it, as far as the caller may read them: oldest first.
    pub async fn comments(
        &self,
        ctx: &Ctx,
        id: ContentId,
        whole: bool,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Shown>, Error> {
        let mut after = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        self.open_to(ctx.user, id).await?.ok_or(Error::NotFound)?;
        let below = match (whole, id.kind()) {
            (true, ContentKind::Comment) => return Err(Error::NoThread),
            (true, _) => Below::All(id),
            (false, _) => Below::Direct(id),
        };
        let mut items: Vec<Shown> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = self.store.comments(below, after, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            after = found.last().map(|content| content.id).or(after);
            let roots = self.roots(&found).await?;
            items.extend(self.readable(ctx.user, found, &roots).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |content| Cursor::encode(&content.id)));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: after.map(|id| Cursor::encode(&id)) })
    }

    /// What a comment stands below: its parent first, then that one's, up to what the thread is about. Deleted ones too, for
    /// those who count.
    pub async fn ancestors(&self, comment: ContentId) -> Result<Vec<ContentId>, Error> {
        Ok(self.store.ancestors(comment).await?)
    }

    /// One piece of content as it is kept, if the reader may read it.
    pub(crate) async fn open_to(&self, reader: UserId, id: ContentId) -> Result<Option<Content>, Error> {
        let found = self.store.by_id(&[id], self.clock.now()).await?;
        let roots = self.roots(&found).await?;
        let sights = self.sights(reader, &concerned(&found, &roots)).await?;
        Ok(found.into_iter().find(|content| may_read(content, &roots, &sights)))
    }

    /// What the threads of the comments among `found` are about.
    async fn roots(&self, found: &[Content]) -> Result<Roots, Error> {
        let mut ids: Vec<ContentId> = found.iter().filter_map(|content| Some(content.thread?.root)).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Roots::new());
        }
        let roots = self.store.by_id(&ids, self.clock.now()).await?;
        Ok(roots.into_iter().map(|root| (root.id, (root.author, root.audience))).collect())
    }

    /// Those of `found` that the reader may read, as the reader sees them.
    async fn readable(&self, reader: UserId, found: Vec<Content>, roots: &Roots) -> Result<Vec<Shown>, Error> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<ContentId> = found.iter().map(|content| content.id).collect();
        let people = concerned(&found, roots);
        let (sights, engagements) = tokio::join!(self.sights(reader, &people), self.engagements(reader, &ids));
        let sights = sights?;
        let private = |author: &UserId| sights.get(author).is_none_or(|(person, _)| person.private);
        let media = self.attachments(&found, private).await?;
        let readable = found.into_iter().filter(|content| may_read(content, roots, &sights));
        let shown = readable.filter_map(|mut content| {
            let (person, _) = sights.get(&content.author)?;
            let root = content.thread.and_then(|thread| roots.get(&thread.root));
            content.audience = root.map_or(content.audience, |(_, audience)| *audience);
            let engagement = engagements.get(&content.id).cloned();
            Some(rendered(content, person.clone(), &media, engagement))
        });
        Ok(shown.collect())
    }

    /// What `reader` sees of `authors`. Whoever is unknown to the accounts or to the graph is not seen at all, and when
    /// one of them does not answer, nothing is.
    pub(crate) async fn sights(&self, reader: UserId, authors: &[UserId]) -> Result<Sights, Error> {
        let (people, standing) = tokio::try_join!(
            self.neighbours.people.summaries(authors),
            self.neighbours.relations.standing(reader, authors)
        )?;
        let seen = people.into_iter().filter_map(|(id, person)| {
            let standing = match standing.get(&id) {
                Some(standing) => *standing,
                None if id == reader => Standing::default(),
                None => return None,
            };
            let sight = Sight::of(reader, id, person.private, standing);
            Some((id, (person, sight)))
        });
        Ok(seen.collect())
    }

    /// Numbers are an ornament: without them content is shown all the same.
    async fn engagements(&self, viewer: UserId, ids: &[ContentId]) -> HashMap<ContentId, Engagement> {
        self.neighbours.engagements.of(viewer, ids).await.unwrap_or_else(|problem| {
            tracing::warn!(?problem, "content is shown without what was done with it");
            HashMap::new()
        })
    }

    /// The uploads of `found`. What a private account calls public is not: its uploads get no addresses that last.
    async fn attachments(
        &self,
        found: &[Content],
        private: impl Fn(&UserId) -> bool,
    ) -> Result<HashMap<MediaId, Attachment>, Error> {
        let audience = |content: &Content| match content.audience {
            Audience::Public if private(&content.author) => Audience::Followers,
            audience => audience,
        };
        let media: Vec<(MediaId, Audience)> =
            found.iter().flat_map(|content| content.media.iter().map(|id| (*id, audience(content)))).collect();
        if media.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self.neighbours.media.attachments(&media).await?)
    }

    /// What the author is answered who just wrote it.
    pub(crate) async fn answer(&self, reader: UserId, mut content: Content, author: PersonSummary) -> Shown {
        if let Ok(roots) = self.roots(std::slice::from_ref(&content)).await
            && let Some((_, audience)) = content.thread.and_then(|thread| roots.get(&thread.root))
        {
            content.audience = *audience;
        }
        let one = std::slice::from_ref(&content);
        let ids = [content.id];
        let (engagements, media) =
            tokio::join!(self.engagements(reader, &ids), self.attachments(one, |_| author.private));
        let engagement = engagements.get(&content.id).cloned();
        // It is written: what its pictures look like can be read later.
        rendered(content, author, &media.unwrap_or_default(), engagement)
    }
}

/// Everybody whose standing decides who reads `found`.
fn concerned(found: &[Content], roots: &Roots) -> Vec<UserId> {
    let of_roots = roots.values().map(|(author, _)| *author);
    let mut people: Vec<UserId> = found.iter().map(|content| content.author).chain(of_roots).collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// Whoever may read what a thread is about reads its comments, but for those of people whom a block parts from the reader.
fn may_read(content: &Content, roots: &Roots, sights: &Sights) -> bool {
    let sight = |author: &UserId| sights.get(author).map(|(_, sight)| *sight);
    let Some(of_author) = sight(&content.author) else { return false };
    let Some(thread) = content.thread else { return of_author.covers(content.audience) };
    let root = roots.get(&thread.root);
    of_author != Sight::Blocked
        && root.is_some_and(|(author, audience)| sight(author).is_some_and(|sight| sight.covers(*audience)))
}

fn rendered(
    content: Content,
    author: PersonSummary,
    media: &HashMap<MediaId, Attachment>,
    engagement: Option<Engagement>,
) -> Shown {
    Shown {
        id: content.id,
        kind: content.id.kind(),
        author,
        text: content.text,
        mentions: content.mentions,
        hashtags: content.hashtags,
        audience: content.audience,
        media: content.media.iter().filter_map(|id| media.get(id).cloned()).collect(),
        place: content.place,
        parent: content.thread.map(|thread| thread.parent),
        root: content.thread.map(|thread| thread.root),
        title: content.title,
        state: content.state,
        price: content.price,
        availability: content.availability,
        created_at: content.created_at,
        edited_at: content.edited_at,
        expires_at: content.expires_at,
        version: content.version,
        engagement,
    }
}
