//! An inbox, as its owner uses it.

use std::sync::Arc;

use kernel::{Ctx, Cursor, Page, PageSize, Timestamp, UserId};
use live::bus::Bus;
use postgres::Db;
use schemas::notifications::{Inbox, InboxEvent, Notification};

use crate::model::Act;
use crate::neighbours::{Contents, People};
use crate::store::{self, END, Place, START};
use crate::{Error, live_events};

/// Unread lines that are counted.
pub const UNREAD_MAX: usize = 100;
/// Rounds in which a page looks for more lines when its owner may not see those that it found.
pub const ROUNDS_MAX: usize = 3;

/// Everybody's inbox.
pub struct Service {
    pub(crate) db: Db,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) people: Arc<dyn People>,
}

impl Service {
    #[must_use]
    pub fn new(db: Db, bus: Arc<dyn Bus>, contents: Arc<dyn Contents>, people: Arc<dyn People>) -> Arc<Self> {
        Arc::new(Self { db, bus, contents, people })
    }

    /// Part of the caller's inbox, the last first.
    pub async fn inbox(&self, ctx: &Ctx, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<Notification>, Error> {
        let mut before = cursor.map_or(Ok(START), Cursor::decode::<Place>)?;
        let mut items: Vec<Notification> = Vec::with_capacity(size.get());
        for _ in 0..ROUNDS_MAX {
            let found = store::lines(&self.db, ctx.user, before, END.0, size.plus_one()).await?;
            let last = (found.len() as i64) < size.plus_one();
            before = found.last().map_or(before, |line| (line.at, line.id));
            items.extend(self.show(ctx.user, &found).await?);
            if items.len() > size.get() {
                return Ok(Page::cut(items, size, |line| Cursor::encode(&(line.at, line.id))));
            }
            if last {
                return Ok(Page { items, next: None });
            }
        }
        // Not the end: the next page goes on where this one stopped looking.
        Ok(Page { items, next: Some(Cursor::encode(&before)) })
    }

    /// How much is unread, counted as it would be shown.
    pub async fn unread(&self, user: UserId) -> Result<Inbox, Error> {
        let read_until = store::read_until(&self.db, user).await?;
        let after = read_until.unwrap_or(END.0);
        let mut found = store::lines(&self.db, user, START, after, UNREAD_MAX as i64 + 1).await?;
        let more = found.len() > UNREAD_MAX;
        found.truncate(UNREAD_MAX);
        let unread = u32::try_from(self.show(user, &found).await?.len()).unwrap_or(u32::MAX);
        Ok(Inbox { unread, more, read_until })
    }

    /// Notes how far the caller has read, and tells their other devices.
    pub async fn read(&self, ctx: &Ctx, until: Timestamp) -> Result<Inbox, Error> {
        if let Some(read_until) = store::mark(&self.db, ctx.user, until.min(ctx.now)).await? {
            let event = InboxEvent::NotificationsRead { read_until };
            live_events::publish(&*self.bus, ctx.user, &event).await;
        }
        self.unread(ctx.user).await
    }

    /// Adds an act to the inbox of whom it concerns, and tells them.
    pub(crate) async fn add(&self, act: &Act) -> Result<(), Error> {
        if !act.concerns_another() {
            return Ok(());
        }
        let Some((line, acts)) = store::add(&self.db, act).await? else { return Ok(()) };
        if !live_events::is_told(acts) {
            return Ok(());
        }
        // What is written is written: telling may fail without taking that back.
        let shown = match store::line(&self.db, act.recipient, line).await? {
            Some(line) => self.show(act.recipient, &[line]).await,
            None => return Ok(()),
        };
        match shown {
            Ok(mut shown) => {
                if let Some(notification) = shown.pop() {
                    let event = InboxEvent::NotificationAdded { notification };
                    live_events::publish(&*self.bus, act.recipient, &event).await;
                }
            }
            Err(error) => tracing::warn!(user = %act.recipient, %error, "a new line of an inbox is not told live"),
        }
        Ok(())
    }
}
