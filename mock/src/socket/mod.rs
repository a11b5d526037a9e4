//! The WebSocket: one connection, from its greeting to its end.

mod command;
mod hub;
pub(crate) mod pointer;
mod script;
mod timeline;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http::request::Parts;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

pub use hub::{CONNECTIONS_MAX, Hub, QUEUED_FRAMES_MAX};
pub use upgrade::FRAME_BYTES_MAX;

use crate::Mock;
use crate::rest::Fault;
use crate::spec::{Channel, Spec};
use command::{Caller, End};
use upgrade::Socket;

/// How long a client has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Answers a request at a channel's address, and serves the connection that comes of it.
pub fn answer(mock: &Arc<Mock>, spec: &Arc<Spec>, at: usize, parts: &mut Parts) -> Result<Response, Fault> {
    let channel = &spec.channels[at];
    let (response, socket) = upgrade::accept(channel, parts)?;
    let hub = mock.hub(channel);
    let (queue, frames) = mpsc::channel(QUEUED_FRAMES_MAX);
    let Some(id) = hub.enter(queue.clone()) else {
        let detail = "The mock takes no more connections.";
        return Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail));
    };
    let (mock, spec) = (Arc::clone(mock), Arc::clone(spec));
    tokio::spawn(async move {
        if let Ok(socket) = socket.await {
            let caller = Caller::new(id, Arc::clone(&mock), Arc::clone(&spec), at, Arc::clone(&hub), queue);
            serve(socket, caller, frames, &spec.channels[at], &mock).await;
        }
        hub.leave(id);
    });
    Ok(response)
}

async fn serve(
    mut socket: Socket,
    mut caller: Caller,
    mut frames: mpsc::Receiver<String>,
    channel: &Channel,
    mock: &Mock,
) {
    let opened = Instant::now();
    let late = opened + Duration::from_millis(channel.first_within_ms);
    let every = Duration::from_millis(channel.ping_ms);
    let mut pings = interval_at(opened + every, every);
    caller.greet();
    // The queue's own end of this task is given up, so that being let go by the hub is seen here.
    let end = loop {
        tokio::select! {
            biased;
            () = mock.stopping.cancelled() => break Some(CloseCode::Away),
            frame = frames.recv() => match frame {
                Some(frame) => {
                    if socket.send(Message::text(frame)).await.is_err() {
                        break None;
                    }
                }
                None => break Some(CloseCode::from(channel.closes.slow)),
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Err(End(code)) = caller.hear(&text).await {
                        // What was queued before the end goes out first: it says why.
                        while let Ok(frame) = frames.try_recv() {
                            if socket.send(Message::text(frame)).await.is_err() {
                                return;
                            }
                        }
                        break Some(CloseCode::from(code));
                    }
                }
                Some(Ok(Message::Binary(_))) => break Some(CloseCode::from(channel.closes.protocol)),
                Some(Ok(Message::Close(_))) | None => break None,
                Some(Ok(_)) => {}
                Some(Err(SocketError::Capacity(CapacityError::MessageTooLong { .. }))) => break Some(CloseCode::Size),
                Some(Err(SocketError::Utf8(_))) => break Some(CloseCode::Invalid),
                Some(Err(_)) => break None,
            },
            _ = pings.tick() => {
                if socket.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    break None;
                }
            }
            () = sleep_until(late), if !caller.is_ready() => break Some(CloseCode::from(channel.closes.late)),
        }
    };
    if let Some(code) = end {
        let frame = CloseFrame { code, reason: "".into() };
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            let ended = async { while let Some(Ok(_)) = socket.next().await {} };
            drop(tokio::time::timeout(CLOSE_WITHIN, ended).await);
        }
    }
}
