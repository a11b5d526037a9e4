//! The task behind a socket.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kernel::RoomId;
use schemas::accounts::Sealed;
use schemas::chat::RoomLeft;
use schemas::socket::{Identify, Positions, ResumeStatus, TokenRefresh};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::connection::Connection;
use super::frame::Frame;
use super::progress::{Arrival, Progress};
use super::{Event, Options, Order, ReplyTo, Stats};
use crate::{ApiError, CommandError, ConnectError, Session};

/// A connection that held this long ends a row of failures.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Why a connection was left.
enum End {
    /// The caller has gone: so do we.
    Dropped,
    Lost(ConnectError),
    /// The server, or the caller, asks to come back, after a while.
    Asked {
        after: Duration,
        why: ConnectError,
    },
}

/// An exchange of tokens that is under way.
type Refreshing = Pin<Box<dyn Future<Output = Result<Sealed, ApiError>> + Send>>;

/// A command that was written and waits for its reply.
enum Waiting {
    Caller(ReplyTo),
    /// Our own `token.refresh`.
    Refresh,
}

pub(super) struct Task {
    session: Session,
    options: Options,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Event>,
    stats: Arc<Stats>,
    progress: Progress,
    waiting: HashMap<u64, Waiting>,
    next_id: u64,
    next_node: usize,
}

/// What every body has.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    r#type: std::borrow::Cow<'a, str>,
}

/// Of an event's body, what counts messages.
#[derive(Deserialize)]
struct Created {
    message: Numbered,
}

#[derive(Deserialize)]
struct Numbered {
    room: RoomId,
    seq: u64,
}

impl Task {
    pub(super) fn new(
        session: Session,
        options: Options,
        orders: mpsc::Receiver<Order>,
        events: mpsc::Sender<Event>,
        stats: Arc<Stats>,
    ) -> Self {
        let (progress, waiting) = (Progress::default(), HashMap::new());
        // Sockets that start together do not all go to the first node.
        let next_node = rand::random_range(0..options.nodes.len().max(1));
        Self { session, options, orders, events, stats, progress, waiting, next_id: 1, next_node }
    }

    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let end = match self.connect().await {
                Ok(connection) => {
                    let end = self.pump(connection).await;
                    if began.elapsed() > SETTLED_AFTER {
                        failures = 0;
                    }
                    end
                }
                Err(why) => End::Lost(why),
            };
            for (_, waiting) in self.waiting.drain() {
                if let Waiting::Caller(reply) = waiting {
                    let _ = reply.send(Err(CommandError::Interrupted));
                }
            }
            let (why, wait) = match end {
                End::Dropped => return,
                End::Lost(why) => {
                    failures += 1;
                    if why.wants_fresh_token() {
                        self.session.forget_access_token();
                    }
                    let wait = self.options.backoff.wait(failures, why.retry_after());
                    (why, wait)
                }
                End::Asked { after, why } => (why, after),
            };
            debug!(%why, ?wait, failures, "socket lost");
            if !why.is_temporary() {
                let _ = self.events.send(Event::Closed { why }).await;
                return;
            }
            if self.events.send(Event::Disconnected { why }).await.is_err() || !self.rest(wait).await {
                return;
            }
        }
    }

    /// Waits before the next try. Commands stay in their queue. False when the caller has gone.
    async fn rest(&mut self, wait: Duration) -> bool {
        tokio::select! {
            () = sleep(wait) => true,
            () = self.events.closed() => false,
        }
    }

    async fn connect(&mut self) -> Result<Connection, ConnectError> {
        let within = self.options.connect_within;
        timeout(within, self.open_and_identify()).await.map_err(|_| ConnectError::TimedOut(within))?
    }

    async fn open_and_identify(&mut self) -> Result<Connection, ConnectError> {
        let url = match self.options.nodes.len() {
            0 => self.session.api().socket_url(),
            count => {
                self.next_node = (self.next_node + 1) % count;
                crate::api::socket_url(&self.options.nodes[self.next_node])
            }
        };
        let token = self.session.access_token().await?;
        let within = self.options.connect_within;
        let (mut connection, hello) = Connection::open_witnessed(&url, within, self.session.api().witness()).await?;
        let id = self.take_id();
        let resume = self.progress.resume();
        let who = Identify { token, resume, presence: self.options.presence };
        let identified = connection.identify(id, &who, within).await?;
        Stats::count(&self.stats.connects);
        match identified.status {
            ResumeStatus::Resumed => {
                Stats::count(&self.stats.resumes);
                self.progress.place(identified.positions);
                identified.gone.iter().for_each(|topic| self.progress.leave(topic));
            }
            ResumeStatus::Fresh | ResumeStatus::Resync => self.progress.restart(identified.epoch, identified.positions),
        }
        self.tell(Event::Connected { node: hello.node, how: identified.status }).await?;
        if identified.status == ResumeStatus::Resync {
            Stats::count(&self.stats.resyncs);
            self.tell(Event::Resync { topics: Vec::new() }).await?;
        }
        Ok(connection)
    }

    /// Carries orders out and hands frames on until the connection ends.
    async fn pump(&mut self, mut connection: Connection) -> End {
        // What we wait for to answer `expiring`; boxed once, polled in place.
        let mut refreshed: Option<Refreshing> = None;
        loop {
            // No more commands than may wait for their reply.
            let room_for_orders = self.waiting.len() < self.options.commands_waiting_max;
            let step = tokio::select! {
                frame = connection.next() => match frame {
                    Ok(Frame::Expiring(_)) => {
                        let session = self.session.clone();
                        refreshed = Some(Box::pin(async move { session.fresh_access_token().await }));
                        Ok(())
                    }
                    Ok(frame) => self.take(frame).await,
                    Err(why) => Err(End::Lost(why)),
                },
                order = self.orders.recv(), if room_for_orders => match order {
                    Some(order) => self.obey(order, &mut connection).await,
                    None => Err(End::Dropped),
                },
                token = async {
                    match refreshed.as_mut() {
                        Some(token) => token.await,
                        None => std::future::pending().await,
                    }
                } => {
                    refreshed = None;
                    self.hand_in(token, &mut connection).await
                }
                () = self.events.closed() => Err(End::Dropped),
            };
            match step {
                Ok(()) => {}
                Err(End::Dropped) => {
                    connection.close(CLOSE_WITHIN).await;
                    return End::Dropped;
                }
                Err(end) => return end,
            }
        }
    }

    /// Gives the server the new access token, in band.
    async fn hand_in(&mut self, token: Result<Sealed, ApiError>, connection: &mut Connection) -> Result<(), End> {
        let token = match token {
            Ok(token) => token,
            // The server will close when the old token ends; until then everything goes on.
            Err(error) if error.is_temporary() => return Ok(()),
            Err(error) => return Err(End::Lost(error.into())),
        };
        let id = self.take_id();
        self.waiting.insert(id, Waiting::Refresh);
        connection.send(id, "token.refresh", &TokenRefresh { token }).await.map_err(End::Lost)
    }

    async fn obey(&mut self, order: Order, connection: &mut Connection) -> Result<(), End> {
        match order {
            Order::Command { op, data, reply } => {
                // The caller may have stopped waiting while there was no connection.
                if reply.is_closed() {
                    return Ok(());
                }
                let id = self.take_id();
                self.waiting.insert(id, Waiting::Caller(reply));
                connection.send(id, op, &data).await.map_err(End::Lost)?;
            }
            Order::Bounce { away } => {
                let why = ConnectError::Io(std::io::ErrorKind::ConnectionAborted.into());
                return Err(End::Asked { after: away, why });
            }
            Order::CaughtUp { room, seq } => self.progress.caught_up(room, seq),
            Order::Rooms(reply) => {
                let _ = reply.send(self.progress.rooms().iter().map(|(room, seq)| (*room, *seq)).collect());
            }
            Order::Leave { topic } => self.progress.leave(&topic),
        }
        Ok(())
    }

    async fn take(&mut self, frame: Frame) -> Result<(), End> {
        match frame {
            Frame::Reply { id, body, positions } => {
                self.progress.place(positions);
                self.settle(id, Ok(body));
            }
            Frame::Error { id: Some(id), refusal } => self.settle(id, Err(CommandError::Refused(refusal))),
            Frame::Error { id: None, refusal } => debug!(code = refusal.code, "the server complains"),
            Frame::Event { topic, pos, body, positions } => {
                self.progress.place(positions);
                self.update(topic, pos, body).await?;
            }
            Frame::Signal { topic, body } => {
                let kind = kind_of(&body)?;
                self.tell(Event::Signal { topic, kind, body }).await.map_err(End::Lost)?;
            }
            Frame::Resync(resync) => {
                Stats::count(&self.stats.resyncs);
                let positions: Positions = resync.topics.into_iter().map(|at| (at.topic, at.pos)).collect();
                let topics = positions.keys().cloned().collect();
                if self.progress.is_of(&resync.epoch) {
                    self.progress.place(positions);
                } else {
                    self.progress.restart(resync.epoch, positions);
                }
                self.tell(Event::Resync { topics }).await.map_err(End::Lost)?;
            }
            Frame::Reconnect(advice) => {
                let why = ConnectError::Closed { code: 4000, reason: "going away".to_owned() };
                return Err(End::Asked { after: Duration::from_millis(advice.after_ms), why });
            }
            Frame::Hello(_) | Frame::Expiring(_) | Frame::Unknown => {}
        }
        Ok(())
    }

    fn settle(&mut self, id: u64, answer: Result<Box<RawValue>, CommandError>) {
        match self.waiting.remove(&id) {
            Some(Waiting::Caller(reply)) => drop(reply.send(answer)),
            Some(Waiting::Refresh) => debug!(accepted = answer.is_ok(), "access token handed in"),
            None => {}
        }
    }

    /// One numbered event: dropped when it was here before, handed on when it is the next.
    async fn update(&mut self, topic: Box<str>, pos: u64, body: Box<RawValue>) -> Result<(), End> {
        match self.progress.event(&topic, pos) {
            Arrival::Next => {}
            Arrival::Repeat => {
                Stats::count(&self.stats.repeats);
                return Ok(());
            }
            Arrival::Ahead { after } => {
                Stats::count(&self.stats.holes);
                let reason = format!("{topic}: {pos} came after {after}");
                let why = ConnectError::Closed { code: 4000, reason };
                return Err(End::Asked { after: Duration::ZERO, why });
            }
        }
        let kind = kind_of(&body)?;
        match &*kind {
            "message.created" => {
                let Numbered { room, seq } = serde_json::from_str::<Created>(body.get()).map_err(unreadable)?.message;
                match self.progress.message(room, seq) {
                    Arrival::Next => {}
                    Arrival::Repeat => {
                        Stats::count(&self.stats.repeats);
                        return Ok(());
                    }
                    Arrival::Ahead { after } => {
                        self.tell(Event::Gap { room, after, before: seq }).await.map_err(End::Lost)?;
                    }
                }
            }
            "room.left" => {
                let RoomLeft { room, .. } = serde_json::from_str(body.get()).map_err(unreadable)?;
                self.progress.leave(&room.to_string());
            }
            _ => {}
        }
        self.tell(Event::Update { topic, pos, kind, body }).await.map_err(End::Lost)
    }

    /// Hands an event on, waiting until there is room for it. A caller who has gone is noticed by the pump.
    async fn tell(&mut self, event: Event) -> Result<(), ConnectError> {
        let _ = self.events.send(event).await;
        Ok(())
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

fn kind_of(body: &RawValue) -> Result<Box<str>, End> {
    let typed: Typed<'_> = serde_json::from_str(body.get()).map_err(unreadable)?;
    Ok(typed.r#type.into())
}

fn unreadable(why: serde_json::Error) -> End {
    End::Lost(ConnectError::Protocol(why.to_string()))
}
