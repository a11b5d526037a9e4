//! Listings: near a place, and of sellers whom I follow. Newest first.

use kernel::{ContentId, ContentKind, Ctx, Cursor, Page, PageSize};
use schemas::content::Content;

use crate::model::{Area, Entry, Source, Window};
use crate::service::ROUNDS_MAX;
use crate::{Error, Service};

/// Listings that are read beyond what a page needs.
const SPARE: usize = 16;

/// Where listings are looked for.
enum From {
    Area(Area),
    Sellers(Vec<Source>),
}

impl Service {
    pub async fn listings_near(
        &self,
        ctx: &Ctx,
        area: Area,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Content>, Error> {
        self.listings(ctx, &From::Area(area), cursor, size).await
    }

    pub async fn listings_followed(
        &self,
        ctx: &Ctx,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Content>, Error> {
        let followed = self.graph.followed(ctx.user).await?;
        let sellers = followed.into_iter().map(|author| Source { author, kind: ContentKind::Listing }).collect();
        self.listings(ctx, &From::Sellers(sellers), cursor, size).await
    }

    async fn listings(
        &self,
        ctx: &Ctx,
        from: &From,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Content>, Error> {
        let mut before = cursor.map(Cursor::decode::<ContentId>).transpose()?;
        let mut items = Vec::with_capacity(size.get() + SPARE);
        for _ in 0..ROUNDS_MAX {
            let wanted = size.get() + 1 - items.len() + SPARE;
            let found = self.found(from, before, wanted).await?;
            let ended = found.len() < wanted;
            before = found.last().map(|entry| entry.id).or(before);
            let ids: Vec<ContentId> = found.iter().map(|entry| entry.id).collect();
            items.extend(self.heard(ctx.user, &ids).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |content| Cursor::encode(&content.id)));
            }
            if ended {
                return Ok(Page { items, next: None });
            }
        }
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: before.map(|id| Cursor::encode(&id)) })
    }

    async fn found(&self, from: &From, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, Error> {
        Ok(match from {
            From::Area(area) => self.contents.listings_near(*area, before, limit).await?,
            From::Sellers(sellers) => {
                self.contents.latest(sellers, Window { before, ..Window::default() }, limit).await?
            }
        })
    }
}
