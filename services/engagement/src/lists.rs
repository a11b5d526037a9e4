//! Lists of who did something, and of what one saved. What the reader may not see falls out at the moment of reading.

use std::collections::HashMap;

use kernel::{ContentId, Ctx, Cursor, Page, PageSize, Timestamp, UserId};
use schemas::content::Content;
use schemas::engagement::{Reaction, Reactor, SavedItem, Sharer};
use uuid::Uuid;

use crate::kinds::{What, reaction_of, value_of};
use crate::neighbours::Seen;
use crate::store::{self, Entry, Place};
use crate::{Error, Service};

/// Rounds in which a list looks for more when the reader may not see what it found.
pub const ROUNDS_MAX: usize = 3;

impl Service {
    /// Who reacted, the last first.
    pub async fn reactions(
        &self,
        ctx: &Ctx,
        content: ContentId,
        reaction: Option<Reaction>,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Reactor>, Error> {
        let page = self.people_who(ctx, content, What::Reaction, reaction.map(value_of), cursor, size).await?;
        let reactor = |(entry, seen): (Entry, Seen)| {
            Some(Reactor { person: seen.person, reaction: reaction_of(entry.value)?, at: entry.at })
        };
        Ok(Page { items: page.items.into_iter().filter_map(reactor).collect(), next: page.next })
    }

    /// Who shared, the last first.
    pub async fn shares(
        &self,
        ctx: &Ctx,
        content: ContentId,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Sharer>, Error> {
        let page = self.people_who(ctx, content, What::Share, None, cursor, size).await?;
        Ok(page.map(|(entry, seen)| Sharer { person: seen.person, text: entry.text, at: entry.at }))
    }

    async fn people_who(
        &self,
        ctx: &Ctx,
        content: ContentId,
        what: What,
        value: Option<i16>,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<(Entry, Seen)>, Error> {
        let mut before = cursor.map(Cursor::decode::<Place>).transpose()?;
        self.author_for(ctx.user, content).await?;
        let mut items = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = store::listed(&self.db, content, what, value, before, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|entry| (entry.at, entry.actor)).or(before);
            let ids: Vec<UserId> = found.iter().map(|entry| entry.actor).collect();
            let mut seen = self.people.seen(ctx.user, &ids).await?;
            // What is said when sharing is published by who says it.
            seen.retain(|_, it| what != What::Share || it.is_open);
            items.extend(
                found.into_iter().filter_map(|entry| Some((seen.remove(&entry.actor)?, entry))).map(|(s, e)| (e, s)),
            );
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |(entry, _)| Cursor::encode(&(entry.at, entry.actor))));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: before.map(|place| Cursor::encode(&place)) })
    }

    /// What the caller saved, the last first.
    pub async fn saved(&self, ctx: &Ctx, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<SavedItem>, Error> {
        let mut before = cursor.map(Cursor::decode::<(Timestamp, Uuid)>).transpose()?;
        let mut items: Vec<SavedItem> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = store::saved(&self.db, ctx.user, before, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map(|(content, at)| (*at, content.uuid())).or(before);
            let ids: Vec<ContentId> = found.iter().map(|(content, _)| *content).collect();
            let visible = if ids.is_empty() { Vec::new() } else { self.contents.visible(ctx.user, &ids).await? };
            let mut visible: HashMap<ContentId, Content> = visible.into_iter().map(|it| (it.id, it)).collect();
            items.extend(
                found
                    .into_iter()
                    .filter_map(|(id, saved_at)| Some(SavedItem { content: visible.remove(&id)?, saved_at })),
            );
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |item| Cursor::encode(&(item.saved_at, item.content.id.uuid()))));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: before.map(|place| Cursor::encode(&place)) })
    }
}
