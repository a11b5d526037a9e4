//! A WebSocket that stays: it comes back by itself, resumes, and hands on events in order, each once.

mod backoff;
mod chat;
mod connection;
mod frame;
mod progress;
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::RoomId;
use parking_lot::Mutex;
use schemas::chat::Moment;
use schemas::socket::PresenceWish;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use backoff::Backoff;
pub use connection::Connection;
pub use frame::Frame;
pub use schemas::socket::ResumeStatus;

use crate::{CommandError, ConnectError, Session};

/// What a [`Socket`] may use, and for how long it waits.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events that wait for the caller before the connection is no longer read.
    pub events_waiting_max: usize,
    /// Commands that wait to be written, or for their reply.
    pub commands_waiting_max: usize,
    /// From TCP's first packet to the reply to `identify`.
    pub connect_within: Duration,
    /// From a command's start to its reply, reconnects included.
    pub reply_within: Duration,
    pub backoff: Backoff,
    /// Nodes to go to, tried in turn; the session's own server when empty. Such as `http://10.0.0.7:8080`.
    pub nodes: Vec<String>,
    /// How this device makes its owner appear to others.
    pub presence: Option<PresenceWish>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            events_waiting_max: 1024,
            commands_waiting_max: 256,
            connect_within: Duration::from_secs(15),
            reply_within: Duration::from_secs(30),
            backoff: Backoff::default(),
            nodes: Vec::new(),
            presence: None,
        }
    }
}

/// What happens on a socket.
#[derive(Debug)]
pub enum Event {
    /// Connected, and identified. With [`ResumeStatus::Resumed`] the missed events follow.
    Connected { node: String, how: ResumeStatus },
    /// A numbered event of a topic: in order, each once. See `asyncapi/` for the types.
    Update { topic: Box<str>, pos: u64, kind: Box<str>, body: Box<RawValue> },
    /// Typing, presence: of the moment, never repeated.
    Signal { topic: Box<str>, kind: Box<str>, body: Box<RawValue> },
    /// Events of these topics (all, if there are none) may be missing and will not come. Read what is missing from the
    /// stores: [`Socket::catch_up`].
    Resync { topics: Vec<String> },
    /// Messages of this room between `after` and `before` did not come: [`Socket::catch_up`].
    Gap { room: RoomId, after: u64, before: u64 },
    /// The connection has ended; the socket is coming back by itself.
    Disconnected { why: ConnectError },
    /// The socket has ended for good. Nothing follows.
    Closed { why: ConnectError },
}

impl Event {
    /// The body of an update or a signal of this kind; nothing for all others.
    pub fn parse_as<T: DeserializeOwned>(&self, wanted: &str) -> Option<Result<T, serde_json::Error>> {
        match self {
            Self::Update { kind, .. } | Self::Signal { kind, .. } if &**kind == wanted => self.parse(),
            _ => None,
        }
    }

    /// The body of an update or a signal, whatever its kind.
    pub fn parse<T: DeserializeOwned>(&self) -> Option<Result<T, serde_json::Error>> {
        match self {
            Self::Update { body, .. } | Self::Signal { body, .. } => Some(serde_json::from_str(body.get())),
            _ => None,
        }
    }
}

/// What a socket has been through.
#[derive(Debug, Default)]
pub struct Stats {
    pub connects: AtomicU64,
    pub resumes: AtomicU64,
    pub resyncs: AtomicU64,
    /// Events that came a second time and were dropped.
    pub repeats: AtomicU64,
    /// Holes in a topic's numbers, which the protocol rules out: each was answered by a resume.
    pub holes: AtomicU64,
}

/// The events of a socket. Dropping it closes the socket.
#[derive(Debug)]
pub struct Subscription(mpsc::Receiver<Event>);

impl Subscription {
    /// The next event; `None` after [`Event::Closed`]. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// Sends commands. Cheap to clone; the socket closes when the last clone or the [`Subscription`] is dropped.
#[derive(Debug, Clone)]
pub struct Socket {
    orders: mpsc::Sender<Order>,
    reply_within: Duration,
    stats: Arc<Stats>,
    /// The newest that an answer told.
    moment: Arc<Mutex<Option<Moment>>>,
}

pub(crate) type ReplyTo = oneshot::Sender<Result<Box<RawValue>, CommandError>>;

/// What the handle asks of the task.
#[derive(Debug)]
pub(crate) enum Order {
    Command {
        op: &'static str,
        data: Box<RawValue>,
        reply: ReplyTo,
    },
    /// Drops the connection as a lost network would, and comes back after a while.
    Bounce {
        away: Duration,
    },
    CaughtUp {
        room: RoomId,
        seq: u64,
    },
    Rooms(oneshot::Sender<Vec<(RoomId, u64)>>),
    Leave {
        topic: String,
    },
}

impl Socket {
    /// Starts a socket for a session and returns at once: the first event tells how connecting went.
    #[must_use]
    pub fn start(session: Session, options: Options) -> (Self, Subscription) {
        let (orders, orders_in) = mpsc::channel(options.commands_waiting_max);
        let (events_out, events) = mpsc::channel(options.events_waiting_max);
        let stats = Arc::new(Stats::default());
        let socket =
            Self { orders, reply_within: options.reply_within, stats: Arc::clone(&stats), moment: Arc::default() };
        tokio::spawn(run::Task::new(session, options, orders_in, events_out, stats).run());
        (socket, Subscription(events))
    }

    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Sends one command and waits for its reply. While the socket is between connections, the command waits.
    ///
    /// When this ends with [`CommandError::Interrupted`] or [`CommandError::TimedOut`], nobody knows whether the command
    /// was carried out.
    pub async fn call<R: DeserializeOwned>(&self, op: &'static str, data: &impl Serialize) -> Result<R, CommandError> {
        let body = self.call_raw(op, data).await?;
        Ok(serde_json::from_str(body.get())?)
    }

    /// Like [`Socket::call`], with the reply as it was written.
    pub async fn call_raw(&self, op: &'static str, data: &impl Serialize) -> Result<Box<RawValue>, CommandError> {
        let data = serde_json::value::to_raw_value(data)?;
        timeout(self.reply_within, async {
            let (reply, answer) = oneshot::channel();
            self.order(Order::Command { op, data, reply }).await?;
            answer.await.map_err(|_| CommandError::Closed)?
        })
        .await
        .map_err(|_| CommandError::TimedOut)?
    }

    /// Drops the connection as a lost network would, stays away, and comes back to the next node.
    pub async fn bounce(&self, away: Duration) -> Result<(), CommandError> {
        self.order(Order::Bounce { away }).await
    }

    /// The last message seen of each room.
    pub async fn rooms(&self) -> Result<Vec<(RoomId, u64)>, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Rooms(reply)).await?;
        answer.await.map_err(|_| CommandError::Closed)
    }

    async fn order(&self, order: Order) -> Result<(), CommandError> {
        self.orders.send(order).await.map_err(|_| CommandError::Closed)
    }
}

impl Stats {
    pub(crate) fn count(figure: &AtomicU64) {
        figure.fetch_add(1, Ordering::Relaxed);
    }
}
