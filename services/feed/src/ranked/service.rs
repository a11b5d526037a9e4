//! The use cases of the ranked feed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cursors::Signer;
use kernel::{ContentId, Ctx, Cursor, Page, PageSize};
use postgres::{Db, fault};
use rank::features::tag_key;
use schemas::content::Content;
use schemas::feed::{FeedChoice, FeedItem, FeedPreferences, FeedPreferencesGiven, Why};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::pipeline::{Parts, Pipeline};
use super::preferences::Preferences;
use super::query::Asked;
use super::slates::{Kept, Slates};
use super::stage::Stage;
use crate::neighbours::{Contents, Graph};
use crate::service::ROUNDS_MAX;
use crate::{Error, Service};

/// What was served so lately is not served again, seen or not.
pub const SERVED_LATELY: Duration = Duration::from_secs(10 * 60);
/// The same for a cursor whose order is gone: what its earlier pages had.
const SERVED_BEFORE: Duration = Duration::from_secs(2 * 3600);
/// Wishes for less are remembered for so long, and the latest so many.
pub const LESS_AGE_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
pub const LESS_MAX: i64 = 200;
/// Under which the key of the cursors is kept.
const SECRET: &str = "feed.cursor";
/// What cursors are bound to, beside their viewer.
const LIST: &str = "feed";

/// A place in a kept order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    #[serde(rename = "s")]
    slate: Uuid,
    #[serde(rename = "p")]
    place: usize,
}

pub struct Ranked {
    db: Db,
    pipeline: Pipeline,
    slates: Slates,
    preferences: Preferences,
    following: Arc<Service>,
    contents: Arc<dyn Contents>,
    graph: Arc<dyn Graph>,
    signer: Signer,
    patience: u32,
}

impl Ranked {
    const LOG: Stage = Stage::open("feed.slate.served", Duration::from_millis(500));

    pub async fn start(parts: Parts) -> Result<Arc<Self>, Error> {
        let key = parts.db.secret(SECRET, &rand::random::<[u8; 32]>()).await?;
        Ok(Arc::new(Self {
            pipeline: Pipeline::new(&parts),
            slates: Slates(parts.db.clone()),
            preferences: Preferences(parts.db.clone()),
            following: parts.following,
            db: parts.db,
            contents: parts.contents,
            graph: parts.graph,
            signer: Signer::new(&key),
            patience: parts.patience,
        }))
    }

    /// A page of the feed that the viewer chose; of the one that the cursor is of, if there is one.
    pub async fn feed(
        &self,
        ctx: &Ctx,
        asked: Asked,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<FeedItem>, Error> {
        let (follows_on, asked) = match cursor {
            // Cursors of the other list are ids.
            Some(cursor) => (cursor.decode::<ContentId>().is_ok(), asked),
            None => {
                let chosen = self.preferences.of(ctx.user).await?;
                (chosen.feed == FeedChoice::Following, asked.or(&chosen))
            }
        };
        if follows_on {
            return self.following.following(ctx, cursor, size).await;
        }
        self.page(ctx, asked, cursor, size).await
    }

    pub async fn preferences(&self, ctx: &Ctx) -> Result<FeedPreferences, Error> {
        Ok(self.preferences.of(ctx.user).await?)
    }

    pub async fn prefer(&self, ctx: &Ctx, given: FeedPreferencesGiven) -> Result<FeedPreferences, Error> {
        self.preferences.set(ctx, given).await
    }

    /// A page of the ranked feed.
    pub async fn page(
        &self,
        ctx: &Ctx,
        asked: Asked,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<FeedItem>, Error> {
        let position = cursor.map(|cursor| self.signer.open::<Position>(ctx.user, &LIST, cursor)).transpose()?;
        let kept = match position {
            Some(at) => self.slates.read(ctx, at.slate, at.place).await?.map(|slots| (at, slots)),
            None => None,
        };
        let (at, slots, known) = match kept {
            Some((at, slots)) => (at, slots, HashMap::new()),
            None => {
                // A cursor says nothing of language and place.
                let asked = if position.is_some() { asked.or(&self.preferences.of(ctx.user).await?) } else { asked };
                let served = if position.is_some() { SERVED_BEFORE } else { SERVED_LATELY };
                let made = self.pipeline.slate(ctx, asked, ctx.now.minus(served), rand::random()).await?;
                let slots = made.slate.slots.into_iter();
                let slots = slots.map(|slot| Kept { id: slot.id, author: slot.author, why: slot.why }).collect();
                (Position { slate: made.id, place: 0 }, slots, made.contents.into_iter().collect())
            }
        };
        self.show(ctx, at, &slots, known, size).await
    }

    /// The first of `slots` that the viewer may read now, and where to go on.
    async fn show(
        &self,
        ctx: &Ctx,
        at: Position,
        slots: &[Kept],
        mut known: HashMap<ContentId, Content>,
        size: PageSize,
    ) -> Result<Page<FeedItem>, Error> {
        let (mut items, mut places, mut next) = (Vec::with_capacity(size.get()), Vec::new(), 0);
        for _ in 0..ROUNDS_MAX {
            let wanted = size.get() - items.len();
            let part = &slots[next..slots.len().min(next + wanted)];
            if part.is_empty() {
                break;
            }
            self.read(ctx, part, &mut known).await?;
            for slot in part {
                if let Some(content) = known.remove(&slot.id) {
                    items.push(FeedItem { content, why: slot.why.clone() });
                    places.push(i32::try_from(at.place + next + 1).unwrap_or(i32::MAX));
                }
                next += 1;
            }
        }
        if !places.is_empty() {
            let served = async { Ok(self.slates.served(ctx, at.slate, &places).await?) };
            Self::LOG.run(self.patience, served).await?;
        }
        let further = Position { place: at.place + next, ..at };
        let next = (next < slots.len()).then(|| self.signer.seal(ctx.user, &LIST, &further));
        Ok(Page { items, next })
    }

    /// Adds to `known` what of `part` was not read yet and may be read now.
    async fn read(&self, ctx: &Ctx, part: &[Kept], known: &mut HashMap<ContentId, Content>) -> Result<(), Error> {
        let unread: Vec<&Kept> = part.iter().filter(|slot| !known.contains_key(&slot.id)).collect();
        if unread.is_empty() {
            return Ok(());
        }
        let ids: Vec<ContentId> = unread.iter().map(|slot| slot.id).collect();
        let mut authors: Vec<_> = unread.iter().map(|slot| slot.author).collect();
        authors.sort_unstable();
        authors.dedup();
        let (shown, edges) =
            tokio::try_join!(self.contents.shown(ctx.user, &ids), self.graph.edges(ctx.user, &authors))?;
        // Kept for following their authors: who unfollows them has not asked for them any more.
        let followed: HashSet<ContentId> =
            unread.iter().filter(|slot| slot.why == Why::Followed).map(|slot| slot.id).collect();
        let belongs = |content: &Content| {
            let edge = edges.get(&content.author.id).copied().unwrap_or_default();
            !edge.hidden && (edge.follows || !followed.contains(&content.id))
        };
        known.extend(shown.contents.into_iter().filter(belongs).map(|it| (it.id, it)));
        Ok(())
    }

    /// Takes the content out of the viewer's ranked feed, and what is like it further down.
    pub async fn less(&self, ctx: &Ctx, id: ContentId) -> Result<(), Error> {
        let content = self.contents.shown(ctx.user, &[id]).await?.contents.pop().ok_or(Error::NotFound)?;
        let tags: Vec<i64> = content.hashtags.iter().map(|span| tag_key(&span.tag).cast_signed()).collect();
        let query = sqlx::query(
            "WITH less AS (
                 INSERT INTO feed_less (viewer, content, kind, author, tags, at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (viewer, content) DO NOTHING)
             UPDATE feed_served SET actions = actions | $7 WHERE viewer = $1 AND content = $2",
        )
        .bind(ctx.user)
        .bind(id)
        .bind(id.kind().number())
        .bind(content.author.id)
        .bind(tags)
        .bind(ctx.now)
        .bind(HIDDEN)
        .execute(self.db.pool());
        telemetry::timed("postgres", "feed.less", query).await.map_err(fault)?;
        Ok(())
    }

    pub async fn take_back_less(&self, ctx: &Ctx, id: ContentId) -> Result<(), Error> {
        let query = sqlx::query(
            "WITH less AS (DELETE FROM feed_less WHERE viewer = $1 AND content = $2)
             UPDATE feed_served SET actions = actions & ~$3::smallint WHERE viewer = $1 AND content = $2",
        )
        .bind(ctx.user)
        .bind(id)
        .bind(HIDDEN)
        .execute(self.db.pool());
        telemetry::timed("postgres", "feed.less", query).await.map_err(fault)?;
        Ok(())
    }
}

/// The action's bit in `feed_served`.
pub const fn bit(action: rank::Action) -> i16 {
    1 << action.index()
}

const HIDDEN: i16 = bit(rank::Action::Hide);
