//! What people do.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kernel::{Clock, ContentId, Ctx, UserId};
use postgres::Db;
use schemas::engagement::{Engagement, EngagementChanged, Reaction, ViewBatch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::kinds::{ONLY, What, reaction_of, value_of};
use crate::metrics::METRICS;
use crate::neighbours::{Contents, People};
use crate::store::{self, Delta, Edge, Transition};
use crate::{Error, Tally, model, views};

pub(crate) const ENGAGEMENT_CHANGED: &str = "engagement.changed";
/// How often old impressions are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often what is left of content that is gone is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// What people do with content.
pub struct Service {
    pub(crate) db: Db,
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) people: Arc<dyn People>,
}

impl Service {
    #[must_use]
    pub fn new(db: Db, contents: Arc<dyn Contents>, people: Arc<dyn People>) -> Arc<Self> {
        Arc::new(Self { db, contents, people })
    }

    pub async fn react(&self, ctx: &Ctx, content: ContentId, reaction: Reaction) -> Result<Engagement, Error> {
        self.put(ctx, content, What::Reaction, value_of(reaction), None).await
    }

    pub async fn save(&self, ctx: &Ctx, content: ContentId) -> Result<Engagement, Error> {
        self.put(ctx, content, What::Save, ONLY, None).await
    }

    pub async fn share(&self, ctx: &Ctx, content: ContentId, text: Option<&str>) -> Result<Engagement, Error> {
        let text = text.map(model::share_text).transpose()?;
        self.put(ctx, content, What::Share, ONLY, text.as_deref()).await
    }

    /// Makes it so that the caller did `what` with `content`: row, event and count in one transaction.
    pub async fn put(
        &self,
        ctx: &Ctx,
        content: ContentId,
        what: What,
        value: i16,
        text: Option<&str>,
    ) -> Result<Engagement, Error> {
        let author = self.author_for(ctx.user, content).await?;
        let mut tx = store::begin(&self.db).await?;
        store::pass_gates(&mut tx, &[content.uuid()]).await?;
        let edge = Edge { content, what, user: ctx.user, author, value, text, at: ctx.now };
        let transition = store::put(&mut tx, &edge).await?;
        let before = match transition {
            Transition::None => None,
            Transition::Made => Some(None),
            Transition::Changed(was) => Some(Some(was)),
        };
        if let Some(before) = before {
            self.tell(&mut tx, &edge, before, true).await?;
            let delta = |value, by| Delta { content: content.uuid(), what: what.number(), value, by };
            let moved = before.map(|was| delta(was, -1)).into_iter().chain([delta(value, 1)]);
            store::count(&mut tx, &moved.collect::<Vec<_>>()).await?;
            store::commit(tx).await?;
            METRICS.changed(what);
        }
        Ok(self.of(ctx.user, &[content]).await?.remove(&content).unwrap_or_default())
    }

    /// Makes it so that the caller did not. Needs no sight of the content, and does not tell whether there was
    /// anything.
    pub async fn take_back(&self, ctx: &Ctx, content: ContentId, what: What) -> Result<(), Error> {
        let mut tx = store::begin(&self.db).await?;
        let Some((value, author)) = store::take_back(&mut tx, content, what, ctx.user).await? else { return Ok(()) };
        if let Some(author) = author {
            let edge = Edge { content, what, user: ctx.user, author, value, text: None, at: ctx.now };
            self.tell(&mut tx, &edge, None, false).await?;
        }
        store::count(&mut tx, &[Delta { content: content.uuid(), what: what.number(), value, by: -1 }]).await?;
        store::commit(tx).await?;
        METRICS.changed(what);
        Ok(())
    }

    async fn tell(
        &self,
        tx: &mut sqlx::PgConnection,
        edge: &Edge<'_>,
        was: Option<i16>,
        on: bool,
    ) -> Result<(), Error> {
        let Some(what) = edge.what.told() else { return Ok(()) };
        let before = was.and_then(reaction_of).filter(|_| was != Some(edge.value));
        let (value, at) = (reaction_of(edge.value), edge.at);
        let event = EngagementChanged {
            content: edge.content,
            author: edge.author,
            user: edge.user,
            what,
            value,
            before,
            on,
            at,
        };
        // What one person does with one thing is told in its order; different people do not wait for each other.
        let key = format!("{}:{}", edge.content, edge.user);
        Ok(store::announce(tx, ENGAGEMENT_CHANGED, key, &event, at).await?)
    }

    /// Takes impressions. What the caller may not see, and what is the caller's own, is passed over.
    pub async fn view(&self, ctx: &Ctx, batch: ViewBatch) -> Result<(), Error> {
        let mut impressions = model::impressions(batch.views)?;
        let mut asked: Vec<ContentId> = impressions.keys().map(|(content, _)| *content).collect();
        asked.dedup();
        let visible = self.contents.visible(ctx.user, &asked).await?;
        let authors: HashMap<ContentId, UserId> = visible
            .into_iter()
            .map(|content| (content.id, content.author.id))
            .filter(|(_, author)| *author != ctx.user)
            .collect();
        impressions.retain(|(content, _), _| authors.contains_key(content));
        if impressions.is_empty() {
            return Ok(());
        }
        Ok(views::add(&self.db, ctx.user, &impressions, &authors, ctx.now).await?)
    }

    /// As [`Tally::of`].
    pub async fn of(&self, viewer: UserId, contents: &[ContentId]) -> Result<HashMap<ContentId, Engagement>, Error> {
        Tally::new(self.db.clone()).of(viewer, contents).await
    }

    /// Whose content it is, if `viewer` may see it.
    pub(crate) async fn author_for(&self, viewer: UserId, content: ContentId) -> Result<UserId, Error> {
        let visible = self.contents.visible(viewer, &[content]).await?;
        visible.first().map(|content| content.author.id).ok_or(Error::NotFound)
    }

    /// Deletes what is past its time, and what is left of content that is gone, until `stop`. Any number of processes may
    /// do it.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        // Shown from the start, so that the first of each is seen as one.
        LazyLock::force(&METRICS);
        tokio::join!(self.sweeps(clock, &stop), self.forgets(&stop));
    }

    async fn forgets(&self, stop: &CancellationToken) {
        let mut every = tokio::time::interval(FORGET_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            while !stop.is_cancelled() {
                match self.forget_some().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "what was done with content that is gone was not removed; trying again");
                        break;
                    }
                }
            }
        }
    }

    /// Removes a batch of what was done with content that is gone. Whether there was any.
    pub async fn forget_some(&self) -> Result<bool, Error> {
        Ok(store::forget_next(&self.db).await?)
    }

    async fn sweeps(&self, clock: Clock, stop: &CancellationToken) {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            if let Err(error) = self.sweep(clock.now()).await {
                tracing::warn!(%error, "old impressions were not deleted; trying again");
            }
        }
    }

    /// Deletes impressions that are past their time. Returns how many.
    pub async fn sweep(&self, now: kernel::Timestamp) -> Result<u64, Error> {
        Ok(views::sweep(&self.db, now).await?)
    }
}
