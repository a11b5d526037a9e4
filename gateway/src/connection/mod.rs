//! One socket, one task: reads commands, writes what its queue holds, keeps its deadlines.
//!
//! Frames come out of the queue ready for the wire and go to the kernel many at a time, without being copied. Tungstenite
//! reads, checks what RFC 6455 asks for, answers pings and closes; so whenever it may have written half of something, or
//! this module has, the other keeps still.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use kernel::UserId;
use tokio::time::{Instant, Sleep, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use self::deadlines::Life;
use crate::Gateway;
use crate::admission::{Bucket, Held};
use crate::close::Close;
use crate::frame::{self, Command, Wire};
use crate::limits::Limits;
use crate::metrics::METRICS;
use crate::outlet::Outlet;
use crate::queue::Class;
use crate::upgrade::Socket;

mod deadlines;
mod obeying;
mod writing;

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
