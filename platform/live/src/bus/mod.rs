//! The live bus: numbered windows of events per topic, and their delivery to every node that follows.

mod ear;
mod local;
mod memory;
mod redis;
mod untold;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{ErrorKind, Fail};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::{Signal, Topic, UserEvent};

pub use local::LocalBus;
pub use redis::RedisBus;

/// A topic's last number is remembered for so long after its last event or follower.
pub const HEAD_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Events of one topic that wait for an earlier one. Past it, the topic gives up the hole and starts anew.
pub const HELD_MAX: usize = 256;
/// What a node may have received and not yet looked at.
pub const INCOMING_MAX: usize = 16_384;

/// A place in a topic. `epoch` names the bus's memory: it changes when that memory was lost, and then no offset of
/// before means anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub epoch: Arc<str>,
    /// Number of the last event. A topic without memory starts from a number that is higher than any it had before.
    pub offset: u64,
}

/// One numbered event of a topic.
#[derive(Debug, Clone)]
pub struct Publication {
    pub offset: u64,
    /// The sequence number it was published under by [`Bus::publish_in_order`].
    pub seq: Option<u64>,
    /// W3C `traceparent` of the publisher, when its trace is sampled.
    pub trace: Option<Box<str>>,
    /// A serialised [`UserEvent`].
    pub event: Bytes,
}

/// What follows a position.
#[derive(Debug, Clone)]
pub enum Since {
    /// Everything after it, in order, without a hole; empty when nothing was missed.
    Complete(Vec<Publication>),
    /// The window no longer reaches back that far, or the epoch is another.
    Lost,
}

/// What [`Bus::publish_in_order`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Published now, or found published already.
    Published,
    /// Kept until the events from `missing` on are published; then it follows by itself.
    Waiting { missing: u64 },
}

/// What a node hears of the topics that it follows.
#[derive(Debug, Clone)]
pub enum Incoming {
    Event {
        topic: Topic,
        epoch: Arc<str>,
        publication: Publication,
    },
    /// An order alone: not numbered, not kept.
    Control {
        topic: Topic,
        event: UserEvent,
    },
    Signal {
        topic: Topic,
        signal: Signal,
    },
    /// The link to the bus was interrupted: every topic may have moved. Ask [`Bus::positions`].
    Suspect,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the live bus did not answer: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the live bus answered what cannot be used: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fail for BusError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Broken(_) => ErrorKind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "store_unavailable",
            Self::Broken(_) => "internal",
        }
    }
    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed("Live delivery is interrupted; try again.")
    }
    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

/// How much of a topic is kept.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Events.
    pub length: usize,
    /// Since the last event of the topic.
    pub age: Duration,
}

impl Default for Window {
    fn default() -> Self {
        Self { length: 512, age: Duration::from_secs(15 * 60) }
    }
}

/// The live bus. Implementations: [`LocalBus`] in this process, [`RedisBus`] over Redis 7.
///
/// MUSTs, each a case of the conformance suite:
/// - Offsets of a topic rise by one with each event, and an offset never names two events within an epoch. Only a loss
///   makes them jump, and then [`Bus::since`] says so.
/// - A node that follows a topic hears every event after the position that [`Bus::follow`] returned, in order, unless it
///   hears [`Incoming::Suspect`] or its queue was full (then it hears `Suspect` later).
/// - [`Bus::since`] is [`Since::Complete`] only if nothing is missing.
/// - Events published in order appear in the order of their sequence numbers; a repeat of one that is still in the
///   window is not published again.
/// - Expired topics and lost memory show as another epoch or as [`Since::Lost`], never as a smaller offset.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Appends an event and delivers it. An event without a body is delivered as an order alone.
    ///
    /// One that fails is not passed over in silence: once the bus answers again, positions of before become
    /// [`Since::Lost`], so that clients read from the store what they were not told. (Unless this process ends first.)
    async fn publish(&self, topic: Topic, event: &UserEvent) -> Result<(), BusError>;

    /// Like [`Bus::publish`], for events that carry a dense sequence number of their own (a room's messages): holds
    /// back what comes early. The first call for a topic without memory decides where the sequence starts. One that comes
    /// too late for its place, because the memory began after it, is not published: positions of before become
    /// [`Since::Lost`], so that clients read it from the store.
    async fn publish_in_order(&self, topic: Topic, seq: u64, event: &UserEvent) -> Result<Ordered, BusError>;

    /// Delivers a signal to those who listen now.
    async fn signal(&self, topic: Topic, signal: &Signal) -> Result<(), BusError>;

    /// Makes this node hear a topic. Idempotent.
    async fn follow(&self, topic: Topic) -> Result<Position, BusError>;

    /// Makes this node no longer hear a topic. Idempotent.
    async fn unfollow(&self, topic: Topic);

    async fn since(&self, topic: Topic, after: &Position) -> Result<Since, BusError>;

    /// Where topics stand now, in the order asked.
    async fn positions(&self, topics: &[Topic]) -> Result<Vec<Position>, BusError>;

    /// This node's ear: one receiver, bounded; taken once, by the gateway's hub.
    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>>;
}
