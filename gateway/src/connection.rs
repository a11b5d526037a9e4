//! One socket, one task: reads commands, writes what its queue holds, keeps its deadlines.
//!
//! Frames come out of the queue ready for the wire and go to the kernel many at a time, without being copied. Tungstenite
//! reads, checks what RFC 6455 asks for, answers pings and closes; so whenever it may have written half of something, or
//! this module has, the other keeps still.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use kernel::{ErrorKind, Problem, UserId};
use rand::RngExt as _;
use schemas::socket::Expiring;
use serde_json::value::RawValue;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use crate::Gateway;
use crate::admission::{Bucket, Held};
use crate::close::Close;
use crate::commands::Job;
use crate::frame::{self, Command, Wire};
use crate::limits::{FRAMES_PER_WRITE_MAX, Limits, REFUSALS_MAX};
use crate::metrics::METRICS;
use crate::outlet::Outlet;
use crate::queue::Class;
use crate::session::Refused;
use crate::upgrade::Socket;

/// Every so many writes, the length of the queue is noted.
const QUEUE_SAMPLED: u8 = 16;

/// Why a connection ends.
enum End {
    /// The server decided.
    Ours(Close),
    /// The client broke RFC 6455.
    Breach(CloseCode),
    /// The client closed, or is gone.
    Theirs,
    /// The client does not take what is written: there is no way to tell it anything.
    Stuck,
}

/// What the task has to look at.
enum Wake {
    Text(Utf8Bytes),
    /// A sign of life.
    Heard,
    Deadline,
    End(End),
}

/// Runs a connection to its end.
pub async fn run(gateway: &Arc<Gateway>, socket: Socket, outlet: &Arc<Outlet>) {
    outlet.push(Class::Control, gateway.hello.clone());
    let mut connection = Connection::new(socket, outlet, &gateway.limits);
    let end = connection.live(gateway).await;
    let code = match end {
        End::Ours(close) => close.code(),
        End::Breach(code) => code.into(),
        End::Theirs => 0,
        End::Stuck => Close::SlowConsumer.code(),
    };
    METRICS.closed.get_or_create(&[("code", label(code))]).inc();
    let farewell = match end {
        End::Ours(close) => CloseFrame { code: CloseCode::from(close.code()), reason: close.reason().into() },
        End::Breach(code) => CloseFrame { code, reason: Utf8Bytes::default() },
        End::Theirs | End::Stuck => return,
    };
    // Whoever does not answer is cut off.
    let _ = timeout(gateway.limits.close_within, Box::pin(goodbye(&mut connection.socket, farewell))).await;
}

/// Sends the close frame and waits for the client's, so that what was sent before it is not cut off (RFC 6455, 7.1.1).
async fn goodbye(socket: &mut Socket, farewell: CloseFrame) {
    if socket.send(Message::Close(Some(farewell))).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

struct Connection<'a> {
    socket: Socket,
    outlet: &'a Arc<Outlet>,
    /// On their way to the kernel, which has taken `written` bytes of the first.
    out: VecDeque<Wire>,
    written: usize,
    /// Tungstenite may have something to write.
    answering: bool,
    writes: u8,
    /// Since when the kernel has taken nothing.
    blocked: Option<Instant>,
    life: Life,
    bucket: Bucket,
    /// Commands in a row that the bucket had nothing for.
    refusals: u8,
    account: Option<Held<UserId>>,
}

impl<'a> Connection<'a> {
    fn new(socket: Socket, outlet: &'a Arc<Outlet>, limits: &Limits) -> Self {
        Self {
            socket,
            outlet,
            out: VecDeque::new(),
            written: 0,
            answering: false,
            writes: 0,
            blocked: None,
            life: Life::new(limits),
            bucket: Bucket::new(limits.commands_burst, f64::from(limits.commands_per_minute) / 60.0),
            refusals: 0,
            account: None,
        }
    }

    async fn live(&mut self, gateway: &Arc<Gateway>) -> End {
        let limits = &gateway.limits;
        let mut sleep = std::pin::pin!(tokio::time::sleep_until(self.life.started + limits.identify_within));
        loop {
            match std::future::poll_fn(|cx| self.poll(cx, sleep.as_mut(), limits)).await {
                Wake::Text(text) => {
                    self.life.heard();
                    METRICS.frames_in.inc();
                    METRICS.bytes_in.inc_by(text.len() as u64);
                    Box::pin(self.read(gateway, &text)).await;
                    // Otherwise deadlines only move away, and the timer finds that out when it fires.
                    let next = self.next_deadline(gateway);
                    if next < sleep.deadline() {
                        sleep.as_mut().reset(next);
                    }
                }
                Wake::Heard => self.life.heard(),
                Wake::Deadline => {
                    if let Some(end) = self.due(gateway) {
                        return end;
                    }
                    let next = self.next_deadline(gateway);
                    sleep.as_mut().reset(next);
                }
                Wake::End(end) => return end,
            }
        }
    }

    /// Writes what there is, then reads, then looks at the clock.
    fn poll(&mut self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>, limits: &Limits) -> Poll<Wake> {
        match self.poll_write(cx) {
            Poll::Ready(end) => return Poll::Ready(Wake::End(end)),
            Poll::Pending if self.out.is_empty() => self.blocked = None,
            Poll::Pending if self.blocked.is_none() => {
                let now = Instant::now();
                self.blocked = Some(now);
                if sleep.deadline() > now + limits.write_within {
                    sleep.as_mut().reset(now + limits.write_within);
                }
            }
            Poll::Pending => {}
        }
        if self.written == 0
            && let Poll::Ready(wake) = self.poll_read(cx)
        {
            return Poll::Ready(wake);
        }
        sleep.poll(cx).map(|()| Wake::Deadline)
    }

    /// Ready only at the end; pending when all is written, or the kernel takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.written == 0 && self.answering {
                match ready!(self.socket.poll_flush_unpin(cx)) {
                    Ok(()) => self.answering = false,
                    Err(_gone) => return Poll::Ready(End::Theirs),
                }
            }
            if self.out.is_empty() {
                let mut queue = self.outlet.queue();
                queue.take(&mut self.out, FRAMES_PER_WRITE_MAX);
                if self.out.is_empty() {
                    if let Some(close) = queue.closing() {
                        return Poll::Ready(End::Ours(close));
                    }
                    // Registers for what comes; there is nothing now, under this lock.
                    let _ = queue.poll(cx);
                    drop(queue);
                    self.out.shrink_to(0);
                    return Poll::Pending;
                }
            }
            match ready!(self.poll_write_out(cx)) {
                Ok(()) => self.blocked = None,
                Err(_gone) => return Poll::Ready(End::Theirs),
            }
        }
    }

    /// Hands frames to the kernel in one call, and forgets what it took.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE_MAX];
        let mut count = 0;
        for (slice, wire) in slices.iter_mut().zip(&self.out) {
            let skip = if count == 0 { self.written } else { 0 };
            *slice = IoSlice::new(&wire[skip..]);
            count += 1;
        }
        let io = Pin::new(self.socket.get_mut());
        let taken = if count == 1 {
            ready!(io.poll_write(cx, &slices[0]))?
        } else {
            ready!(io.poll_write_vectored(cx, &slices[..count]))?
        };
        if taken == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        METRICS.writes.inc();
        METRICS.bytes_out.inc_by(taken as u64);
        self.writes = (self.writes + 1) % QUEUE_SAMPLED;
        if self.writes == 0 {
            METRICS.queued.observe(self.out.len() as f64);
        }
        let mut left = self.written + taken;
        let mut sent = 0;
        while let Some(first) = self.out.front()
            && first.len() <= left
        {
            left -= first.len();
            sent += 1;
            self.out.pop_front();
        }
        self.written = left;
        METRICS.frames_out.inc_by(sent);
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        Poll::Ready(match ready!(self.socket.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => Wake::Text(text),
            Some(Ok(Message::Ping(_))) => {
                self.answering = true;
                Wake::Heard
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Wake::Heard,
            Some(Ok(Message::Binary(_))) => Wake::End(End::Ours(Close::ProtocolError)),
            Some(Ok(Message::Close(_))) | None => Wake::End(End::Theirs),
            Some(Err(error)) => Wake::End(breach(&error)),
        })
    }

    /// Reads one text frame: obeys it here, or has a slice do so.
    async fn read(&mut self, gateway: &Arc<Gateway>, text: &str) {
        let command = Command::parse(text);
        let id = command.as_ref().map(|command| command.id);
        if let Err(problem) = self.obey(gateway, command).await {
            METRICS.commands_refused.get_or_create(&[("code", problem.code)]).inc();
            self.outlet.push(Class::Reply, frame::error(id, problem));
        }
    }

    async fn obey(&mut self, gateway: &Arc<Gateway>, command: Option<Command<'_>>) -> Result<(), Problem> {
        let taken = self.bucket.take(Instant::now());
        self.refusals = if taken.is_ok() { 0 } else { self.refusals.saturating_add(1) };
        if self.refusals > REFUSALS_MAX {
            self.outlet.close(Close::ProtocolError);
        }
        taken.map_err(|wait| {
            let message = "Too many commands; wait before the next one.";
            Problem::new(ErrorKind::RateLimited, "rate_limited", message).retry_after(wait)
        })?;
        let command = command.ok_or_else(|| {
            let message = "A command is a JSON object of id, op and d.";
            Problem::new(ErrorKind::Invalid, "malformed_frame", message)
        })?;
        let data = command.d;
        let peer = self.outlet.peer().copied();
        match (peer, &*command.op) {
            (None, "identify") => {
                self.identify(gateway, command.id, data).await;
                Ok(())
            }
            (None, _) => {
                let message = "The first command is identify.";
                Err(Problem::new(ErrorKind::Unauthenticated, "not_identified", message))
            }
            (Some(_), "identify") => {
                let message = "This connection has identified itself before.";
                Err(Problem::new(ErrorKind::Conflict, "already_identified", message))
            }
            (Some(_), "token.refresh") => {
                let before = self.outlet.expires_at();
                gateway.refresh(self.outlet, command.id, data).await;
                // A refusal changes nothing, and is no reason to tell of the same moment again.
                self.life.told_of_expiry &= self.outlet.expires_at() == before;
                Ok(())
            }
            (Some(peer), op) => {
                let commands = gateway.commands.get(op).ok_or_else(|| {
                    Problem::new(ErrorKind::NotFound, "unknown_command", "There is no such command.").at("/op")
                })?;
                let commands = Arc::clone(commands);
                let job = Job { id: command.id, op: op.into(), data: data.to_owned(), commands, peer };
                gateway.start(self.outlet, job)
            }
        }
    }

    /// Identifies the connection, or says why not and ends it.
    async fn identify(&mut self, gateway: &Arc<Gateway>, id: u64, data: &RawValue) {
        let rest = gateway.limits.identify_within.saturating_sub(self.life.started.elapsed());
        let refused = match timeout(rest, gateway.identify(self.outlet, id, data)).await {
            Ok(Ok(place)) => {
                self.account = Some(place);
                return;
            }
            Ok(Err(refused)) => refused,
            Err(_elapsed) => {
                let message = "The server could not identify you in time.";
                let problem = Problem::new(ErrorKind::Unavailable, "overloaded", message);
                Refused { problem: problem.retry_after(Duration::from_secs(1)), close: Close::Overloaded }
            }
        };
        METRICS.commands_refused.get_or_create(&[("code", refused.problem.code)]).inc();
        self.outlet.push(Class::Reply, frame::error(Some(id), refused.problem));
        self.outlet.close(refused.close);
    }

    /// Does what is due, and says whether that ends the connection.
    fn due(&mut self, gateway: &Gateway) -> Option<End> {
        let (now, limits) = (Instant::now(), &gateway.limits);
        if self.blocked.is_some_and(|since| now >= since + limits.write_within) {
            return Some(End::Stuck);
        }
        if self.account.is_none() {
            return (now >= self.life.started + limits.identify_within).then_some(End::Ours(Close::IdentifyTimeout));
        }
        let (expires_at, today) = (self.outlet.expires_at(), gateway.clock.now());
        if today >= expires_at.plus(limits.expiry_grace) {
            return Some(End::Ours(Close::TokenExpired));
        }
        if today >= expires_at.minus(limits.expiring_notice) && !self.life.told_of_expiry {
            self.life.told_of_expiry = true;
            let in_ms = expires_at.since(today).as_millis() as u64;
            self.outlet.push(Class::Control, frame::json(&Expiring { in_ms }));
        }
        if now >= self.life.sign_of_life_due() {
            if self.life.pings >= limits.pings_missed_max {
                return Some(End::Ours(Close::PingTimeout));
            }
            self.life.pings += 1;
            self.life.quiet_since = now;
            self.outlet.push(Class::Control, frame::PING);
        }
        None
    }

    fn next_deadline(&self, gateway: &Gateway) -> Instant {
        let limits = &gateway.limits;
        let unblocked = self.blocked.map(|since| since + limits.write_within);
        if self.account.is_none() {
            return unblocked.into_iter().fold(self.life.started + limits.identify_within, Instant::min);
        }
        let expires_at = self.outlet.expires_at();
        let token = if self.life.told_of_expiry {
            expires_at.plus(limits.expiry_grace)
        } else {
            expires_at.minus(limits.expiring_notice)
        };
        let token = Instant::now() + token.since(gateway.clock.now());
        unblocked.into_iter().fold(token.min(self.life.sign_of_life_due()), Instant::min)
    }
}

/// When the client was heard of.
struct Life {
    started: Instant,
    /// The last sign of life, or the last ping that asks for one.
    quiet_since: Instant,
    ping_after: Duration,
    pings: u8,
    told_of_expiry: bool,
}

impl Life {
    fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        // Connections that came together are not to be pinged together.
        let ping_after = limits.ping_after.mul_f64(rand::rng().random_range(0.8..1.0));
        Self { started: now, quiet_since: now, ping_after, pings: 0, told_of_expiry: false }
    }

    fn heard(&mut self) {
        self.quiet_since = Instant::now();
        self.pings = 0;
    }

    fn sign_of_life_due(&self) -> Instant {
        self.quiet_since + self.ping_after
    }
}

fn breach(error: &SocketError) -> End {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => End::Breach(CloseCode::Size),
        SocketError::Utf8(_) => End::Breach(CloseCode::Invalid),
        SocketError::Protocol(_) => End::Breach(CloseCode::Protocol),
        _ => End::Theirs,
    }
}

/// Close codes as labels of a metric.
fn label(code: u16) -> &'static str {
    const LABELS: [(u16, &str); 15] = [
        (0, "0"),
        (1002, "1002"),
        (1007, "1007"),
        (1009, "1009"),
        (4000, "4000"),
        (4001, "4001"),
        (4002, "4002"),
        (4003, "4003"),
        (4500, "4500"),
        (4501, "4501"),
        (4502, "4502"),
        (4503, "4503"),
        (4504, "4504"),
        (4505, "4505"),
        (4506, "4506"),
    ];
    LABELS.iter().find(|(of, _)| *of == code).map_or("other", |(_, label)| label)
}
