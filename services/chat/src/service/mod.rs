//! The use cases of chat.

mod changes;
mod finding;
mod members;
mod messages;
mod reads;
mod rooms;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Ctx, RoomId, UserId};
use live::{Bus, CommandError, Topic, TopicSource};
use parking_lot::Mutex;
use postgres::Db;
use schemas::chat::{Posting, RoomKind};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::events::Events;
use crate::log::MessageLog;
use crate::marks::{FLUSH_EVERY, Marks};
use crate::model::{Act, Standing};
use crate::passes::Passes;
use crate::people::People;
use crate::relay::Relay;
use crate::store::Store;
use crate::typing::Typists;

pub use changes::SLACK;
pub use messages::Saying;

/// Direct rooms whose two people one node remembers. They never change, so nothing here grows old.
const PAIRS_MAX: usize = 50_000;

pub struct Service {
    pub(crate) store: Store,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) log: Arc<dyn MessageLog>,
    people: Arc<dyn People>,
    events: Events,
    relay: Relay,
    marks: Marks,
    typists: Typists,
    pairs: Mutex<HashMap<RoomId, (UserId, UserId)>>,
    passes: Passes,
}

impl Service {
    pub fn new(db: Db, log: Arc<dyn MessageLog>, bus: Arc<dyn Bus>, people: Arc<dyn People>) -> Arc<Self> {
        Arc::new(Self {
            store: Store::new(db),
            relay: Relay::new(Arc::clone(&log), Arc::clone(&bus)),
            events: Events(Arc::clone(&bus)),
            bus,
            log,
            people,
            marks: Marks::default(),
            typists: Typists::default(),
            pairs: Mutex::default(),
            passes: Passes::default(),
        })
    }

    /// Repairs delivery and writes marks until told to stop; then writes the last ones.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        let marks = async {
            let mut ticks = tokio::time::interval(FLUSH_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = ticks.tick() => self.flush_or_warn(&clock).await,
                }
            }
            self.flush_or_warn(&clock).await;
        };
        tokio::join!(marks, self.relay.run(&stop));
    }

    async fn flush_or_warn(&self, clock: &Clock) {
        if let Err(error) = self.flush(clock.now()).await {
            tracing::warn!(%error, "marks wait for their store");
        }
    }

    /// How the caller stands towards a room, if that allows the act.
    ///
    /// Asks the present truth: who was removed or blocked is refused from the moment that was confirmed. The one thing
    /// remembered is what never changes, the two people of a direct room, so that a message to one costs the question
    /// after blocks alone.
    async fn enter(&self, ctx: &Ctx, room: RoomId, act: Act) -> Result<Standing, Error> {
        if let Some(other) = self.other_of_pair(room, ctx.user) {
            let standing = Standing {
                kind: RoomKind::Direct,
                posting: Posting::Everyone,
                member_count: 2,
                role: Some(schemas::chat::Role::Member),
                other: Some(other),
            };
            standing.may(act)?;
            return Ok(standing);
        }
        let standing = self.store.standing(room, ctx.user).await?.ok_or(Error::RoomNotFound)?;
        standing.may(act)?;
        if let (RoomKind::Direct, Some(other)) = (standing.kind, standing.other) {
            self.remember_pair(room, ctx.user, other);
        }
        Ok(standing)
    }

    /// [`Service::enter`], for what reaches the others: refused between two of whom one blocks the other.
    async fn enter_to_talk(&self, ctx: &Ctx, room: RoomId, act: Act) -> Result<Standing, Error> {
        let standing = self.enter(ctx, room, act).await?;
        if let (RoomKind::Direct, Some(other)) = (standing.kind, standing.other)
            && self.people.blocked(ctx.user, other).await?
        {
            return Err(Error::Blocked);
        }
        Ok(standing)
    }

    fn other_of_pair(&self, room: RoomId, user: UserId) -> Option<UserId> {
        match self.pairs.lock().get(&room) {
            Some((one, other)) if *one == user => Some(*other),
            Some((one, other)) if *other == user => Some(*one),
            _ => None,
        }
    }

    fn remember_pair(&self, room: RoomId, one: UserId, other: UserId) {
        let mut pairs = self.pairs.lock();
        if pairs.len() >= PAIRS_MAX {
            pairs.clear();
        }
        pairs.insert(room, (one, other));
    }

    async fn head(&self, room: RoomId) -> Result<u64, Error> {
        Ok(self.log.heads(&[room]).await?.first().map_or(0, |head| head.seq))
    }
}

#[async_trait]
impl TopicSource for Service {
    async fn topics(&self, user: UserId) -> Result<Vec<Topic>, CommandError> {
        Ok(self.store.rooms_of(user).await?.into_iter().map(Topic::Room).collect())
    }

    async fn allowed(&self, _user: UserId, wished: &[Topic]) -> Result<Vec<Topic>, CommandError> {
        let rooms: Vec<RoomId> = wished
            .iter()
            .filter_map(|topic| match topic {
                Topic::Room(room) => Some(*room),
                _ => None,
            })
            .collect();
        Ok(self.store.channels_of(&rooms).await?.into_iter().map(Topic::Room).collect())
    }
}
