//! The live bus over Redis 7: scripts on keys of one hash tag a topic, and sharded pub/sub.
//!
//! ## Keys of a topic
//! | key | holds | lives |
//! |---|---|---|
//! | `…bus:{topic}:stand` | packed: the memory that it belongs to, the last number, when its age was set; the first and the last of the topic's own numbers, whether any are held | [`HEAD_AGE`] after the last use |
//! | `…bus:{topic}:window` | list of the last events, each as it was published, and up to an eighth more | [`Window::age`] after the last event |
//! | `…bus:{topic}:held` | hash: events that came too early, by their own number | as long as where it stands |
//!
//! Ages are kept to a sixteenth: a script sets them anew when that much has passed, and not with each event.
//!
//! ## Decisions
//! - **A topic without memory begins at Redis's clock, in microseconds.** Numbers rise by one an event, so a topic that is
//!   forgotten or emptied begins above all that it had before: an old position shows as lost, never as a number that names
//!   another event. Valid while a topic has less than a million events a second, and Redis's clock does not step back
//!   further than the topic was silent. 2⁵³ µs are reached in 2255.
//! - **A memory belongs to one reign of one server.** A replica that takes over may lag, a server that was restored may
//!   be old, and one that was master before has what its successor gave it: all would give numbers that other events have. So a head
//!   names the replication id of the server that made it, which is another after each of these, and each run of a script asks
//!   the very server that runs it (4 µs of its time); under another one the topic begins anew. Redis also changes the id of a
//!   master when its first replica comes, and when it has had none for `repl-backlog-ttl` (an hour).
//! - **The epoch is one key**, made by whoever finds none, and read on each connect: it tells clients quickly that all is
//!   lost. Nothing rests on it: each topic's numbers are safe by themselves, so nodes may disagree on it for a moment.
//! - **One script an event**: number, window and delivery happen at once or not at all, in one round trip, and in the
//!   same order for all nodes. Events of rooms that come at the same time share its run.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::redis::{Redis, StoreResult, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use fred::interfaces::KeysInterface as _;
use fred::types::{Expiration, SetOptions, Value};
use futures_util::future::try_join_all;
use kernel::StoreError;
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use self::listener::Listener;
pub(super) use self::scripts::LOSE;
use self::scripts::{HEADS, PUBLISH, PUBLISH_IN_ORDER, SINCE, TELL};
use self::wire::{CONTROL, SIGNAL, draft, publication};
use super::ear::Ear;
use super::untold::Untold;
use super::{Bus, BusError, INCOMING_MAX, Incoming, Ordered, Position, Publication, Since, Window};
use crate::{Signal, Topic, UserEvent};

mod listener;
mod scripts;
mod wire;

/// Topics that one script looks at: what is the same for all is done once, and others wait for a few tens of them (about
/// 5 µs each).
const HEADS_MAX: usize = 32;

/// One node's end of the bus.
pub struct RedisBus {
    redis: Redis,
    subscriber: Subscriber,
    prefix: Arc<str>,
    window: Window,
    epoch: Arc<RwLock<Arc<str>>>,
    ear: Arc<Ear>,
    followed: Arc<Mutex<HashSet<Topic>>>,
    /// Whether all that is followed is subscribed: not so between a reconnect and the subscriptions after it.
    hearing: Arc<AtomicBool>,
    untold: Arc<Untold>,
    _confessing: AbortOnDropHandle<()>,
}

impl RedisBus {
    /// Connects a node. All nodes of a cluster share `prefix`.
    pub async fn connect(redis: Redis, prefix: impl Into<Arc<str>>, window: Window) -> StoreResult<Self> {
        let prefix = prefix.into();
        let epoch = Arc::new(RwLock::new(epoch(&redis, &prefix).await?));
        let (subscriber, heard) = redis.subscriber().await?;
        let untold = Arc::new(Untold::default());
        let confessing = tokio::spawn(Arc::clone(&untold).confess(redis.clone(), Arc::clone(&prefix)));
        let bus = Self {
            redis,
            subscriber,
            prefix,
            window,
            epoch,
            ear: Ear::new(INCOMING_MAX),
            followed: Arc::default(),
            hearing: Arc::new(AtomicBool::new(true)),
            untold,
            _confessing: AbortOnDropHandle::new(confessing),
        };
        tokio::spawn(bus.listener().run(heard));
        Ok(bus)
    }

    fn listener(&self) -> Listener {
        Listener {
            redis: self.redis.clone(),
            subscriber: self.subscriber.clone(),
            prefix: Arc::clone(&self.prefix),
            epoch: Arc::clone(&self.epoch),
            ear: Arc::clone(&self.ear),
            followed: Arc::clone(&self.followed),
            hearing: Arc::clone(&self.hearing),
        }
    }

    fn keys(&self, topic: Topic) -> Vec<String> {
        keys(&self.prefix, topic)
    }

    fn position(&self, offset: u64) -> Position {
        Position { epoch: Arc::clone(&self.epoch.read()), offset }
    }

    /// Where topics stand, asked for in one call. In a cluster, their keys must lie on one server.
    async fn heads(&self, topics: &[Topic]) -> Result<Vec<u64>, BusError> {
        let keys: Vec<String> = topics.iter().flat_map(|topic| self.keys(*topic)).collect();
        let none: Vec<String> = Vec::new();
        let stand: Vec<String> = self.redis.run(&HEADS, keys, none).await.map_err(fault)?;
        if stand.len() != topics.len() {
            return Err(broken("the heads of topics are not as many as they"));
        }
        let number = |text: &String| text.parse().map_err(|_| broken("the head of a topic is not a number"));
        stand.iter().map(number).collect()
    }

    /// Arguments of all scripts that append.
    fn append_args(&self, topic: Topic, draft: Bytes) -> Vec<Value> {
        vec![
            Value::from(channel(&self.prefix, topic)),
            Value::from(self.window.length.max(1).to_string()),
            Value::from(self.window.age.as_millis().to_string()),
            Value::from(draft),
        ]
    }

    async fn tell(&self, topic: Topic, kind: u8, what: &impl serde::Serialize) -> Result<(), BusError> {
        let mut payload = vec![kind];
        serde_json::to_writer(&mut payload, what).map_err(broken)?;
        let args = vec![Value::from(channel(&self.prefix, topic)), Value::from(Bytes::from(payload))];
        let keys = self.keys(topic).into_iter().take(1).collect::<Vec<_>>();
        telemetry::timed("redis", "bus.tell", self.redis.run::<()>(&TELL, keys, args)).await.map_err(fault)
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, topic: Topic, event: &UserEvent) -> Result<(), BusError> {
        if event.body.is_none() {
            return self.tell(topic, CONTROL, event).await;
        }
        let args = self.append_args(topic, draft(event)?);
        let run = self.redis.run::<()>(&PUBLISH, self.keys(topic), args);
        let published = telemetry::timed("redis", "bus.publish", run).await;
        if published.is_err() {
            self.untold.mark(topic);
        }
        published.map_err(fault)
    }

    async fn publish_in_order(&self, topic: Topic, seq: u64, event: &UserEvent) -> Result<Ordered, BusError> {
        let mut args = self.append_args(topic, draft(event)?);
        args.push(Value::from(seq.to_string()));
        let run = self.redis.run_batched::<Option<String>>(&PUBLISH_IN_ORDER, self.keys(topic), args);
        let missing = telemetry::timed("redis", "bus.publish_in_order", run).await.map_err(fault)?;
        match missing {
            None => Ok(Ordered::Published),
            Some(missing) => {
                let missing = missing.parse().map_err(|_| broken("the missing number is not a number"))?;
                Ok(Ordered::Waiting { missing })
            }
        }
    }

    async fn signal(&self, topic: Topic, signal: &Signal) -> Result<(), BusError> {
        self.tell(topic, SIGNAL, signal).await
    }

    async fn follow(&self, topic: Topic) -> Result<Position, BusError> {
        // Noted first: a reconnect in between subscribes to it as well.
        self.followed.lock().insert(topic);
        let followed = async {
            self.subscriber.subscribe(&channel(&self.prefix, topic)).await.map_err(fault)?;
            let stands = self.heads(&[topic]).await?;
            stands.into_iter().next().ok_or_else(|| broken("a topic has no head"))
        };
        match followed.await {
            Ok(offset) => Ok(self.position(offset)),
            Err(error) => {
                self.unfollow(topic).await;
                Err(error)
            }
        }
    }

    async fn unfollow(&self, topic: Topic) {
        self.followed.lock().remove(&topic);
        if let Err(error) = self.subscriber.unsubscribe(&channel(&self.prefix, topic)).await {
            // Then the link is gone, and its subscriptions with it.
            tracing::debug!(%topic, %error, "could not unsubscribe");
        }
    }

    async fn since(&self, topic: Topic, after: &Position) -> Result<Since, BusError> {
        if after.epoch != Arc::clone(&self.epoch.read()) {
            return Ok(Since::Lost);
        }
        let args = vec![after.offset.to_string(), self.window.length.to_string()];
        let run = self.redis.run::<Vec<Bytes>>(&SINCE, self.keys(topic), args);
        let answer = telemetry::timed("redis", "bus.since", run).await.map_err(fault)?;
        let Some((_last, events)) = answer.split_first() else { return Ok(Since::Lost) };
        let events: Option<Vec<Publication>> = events.iter().map(publication).collect();
        let events = events.ok_or_else(|| broken("an event in a window cannot be read"))?;
        let in_order = events.iter().zip(after.offset + 1..).all(|(event, offset)| event.offset == offset);
        Ok(if in_order { Since::Complete(events) } else { Since::Lost })
    }

    async fn positions(&self, topics: &[Topic]) -> Result<Vec<Position>, BusError> {
        if !self.hearing.load(Ordering::Acquire) {
            return Err(fault(StoreError::unavailable("subscriptions are being made anew")));
        }
        let at_once = if self.redis.is_cluster() { 1 } else { HEADS_MAX };
        // Sent together: the client writes what waits in one go.
        let offsets = try_join_all(topics.chunks(at_once).map(|topics| self.heads(topics))).await?;
        Ok(offsets.into_iter().flatten().map(|offset| self.position(offset)).collect())
    }

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.ear.receiver()
    }
}

pub(super) fn keys(prefix: &str, topic: Topic) -> Vec<String> {
    ["stand", "window", "held"].iter().map(|part| format!("{prefix}bus:{{{topic}}}:{part}")).collect()
}

fn channel(prefix: &str, topic: Topic) -> String {
    format!("{prefix}bus:{{{topic}}}")
}

/// The name of Redis's present memory.
async fn epoch(redis: &Redis, prefix: &str) -> StoreResult<Arc<str>> {
    redis.must_be_connected()?;
    let (key, fresh) = (format!("{prefix}bus:epoch"), format!("{:016x}", rand::random::<u64>()));
    let commands = redis.commands();
    let none: Option<Expiration> = None;
    let _: Value = commands.set(&key, fresh, none, Some(SetOptions::NX), false).await.map_err(::redis::fault)?;
    let epoch: String = commands.get(&key).await.map_err(::redis::fault)?;
    Ok(epoch.into())
}

fn fault(error: StoreError) -> BusError {
    match error {
        StoreError::Broken(why) => BusError::Broken(why),
        other => BusError::Unavailable(Box::new(other)),
    }
}

fn broken(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BusError {
    BusError::Broken(why.into())
}
