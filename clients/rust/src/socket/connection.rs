//! One WebSocket, from its opening to its end. Frames in and out; nothing is remembered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use schemas::socket::{Hello, Identified, Identify};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::frame::Frame;
use crate::{ConnectError, Witness};

/// The protocol that is asked for, and without which there is no connection.
const SUBPROTOCOL: &str = "plaza.v1.json";

/// Bytes read from the operating system at once. The library's own default is 128 KiB, for each connection.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Largest message that is taken from the server.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// How much may wait to be written before `send` waits.
const WRITE_BUFFER_BYTES_MAX: usize = 256 * 1024;

/// An open WebSocket that speaks Plaza's protocol.
pub struct Connection {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    witnessed: Option<Witnessed>,
}

/// Remembers which command an answer belongs to, for the one who watches.
struct Witnessed {
    witness: Arc<dyn Witness>,
    commands: HashMap<u64, String>,
}

#[derive(Serialize)]
struct Command<'a, D> {
    id: u64,
    op: &'a str,
    d: &'a D,
}

impl Connection {
    /// Connects to `url` (`ws://…/v1/socket` or `wss://…`) and waits for the server's `hello`.
    pub async fn open(url: &str, within: Duration) -> Result<(Self, Hello), ConnectError> {
        Self::open_witnessed(url, within, None).await
    }

    /// Like [`Connection::open`], with somebody who sees every frame that arrives.
    pub async fn open_witnessed(
        url: &str,
        within: Duration,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<(Self, Hello), ConnectError> {
        timeout(within, async {
            let witnessed = witness.map(|witness| Witnessed { witness, commands: HashMap::new() });
            let mut connection = Self { stream: Self::upgrade(url).await?, witnessed };
            match connection.next().await? {
                Frame::Hello(hello) => Ok((connection, hello)),
                other => Err(ConnectError::Protocol(format!("{other:?} before hello"))),
            }
        })
        .await
        .map_err(|_| ConnectError::TimedOut(within))?
    }

    async fn upgrade(url: &str) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, ConnectError> {
        let wrong = || ConnectError::Address(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("wss") { 443 } else { 80 });
        let mut request = uri.clone().into_client_request().map_err(|_| wrong())?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        tcp.set_nodelay(true)?;
        crate::api::install_crypto();
        // Boxed: the handshake's state is large, and lives for a moment only.
        let (stream, _) = Box::pin(client_async_tls_with_config(request, tcp, Some(config), None)).await?;
        Ok(stream)
    }

    /// Says who we are, and where to go on. Must be the first command. When it resumes, the missed events follow by
    /// [`Connection::next`].
    pub async fn identify(&mut self, id: u64, who: &Identify, within: Duration) -> Result<Identified, ConnectError> {
        self.send(id, "identify", who).await?;
        timeout(within, async {
            loop {
                match self.next().await? {
                    Frame::Reply { id: of, body, .. } if of == id => {
                        return serde_json::from_str(body.get()).map_err(|why| ConnectError::Protocol(why.to_string()));
                    }
                    Frame::Error { refusal, .. } => return Err(ConnectError::Refused(refusal)),
                    // Drain advice may come at any time; whoever gives it will also close.
                    Frame::Reconnect(_) | Frame::Unknown => {}
                    other => return Err(ConnectError::Protocol(format!("{other:?} before the reply to identify"))),
                }
            }
        })
        .await
        .map_err(|_| ConnectError::TimedOut(within))?
    }

    /// Sends one command. `id` names it in the reply, and must not repeat on this connection.
    pub async fn send(&mut self, id: u64, op: &str, data: &impl Serialize) -> Result<(), ConnectError> {
        let text = serde_json::to_string(&Command { id, op, d: data })
            .map_err(|why| ConnectError::Protocol(why.to_string()))?;
        if let Some(witnessed) = &mut self.witnessed {
            witnessed.commands.insert(id, op.to_owned());
        }
        self.send_text(text.into()).await
    }

    /// Sends a text frame as it is: also what no client should send.
    pub async fn send_text(&mut self, text: Utf8Bytes) -> Result<(), ConnectError> {
        Ok(self.stream.send(Message::Text(text)).await?)
    }

    /// The next frame. Pings are answered on the way. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> Result<Frame, ConnectError> {
        let text = self.next_text().await?;
        Frame::parse(&text).map_err(ConnectError::Protocol)
    }

    /// The next frame, as it was written.
    pub async fn next_text(&mut self) -> Result<Utf8Bytes, ConnectError> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Some(witnessed) = &mut self.witnessed {
                        witnessed.see(&text);
                    }
                    return Ok(text);
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(ConnectError::Closed { code: close.code.into(), reason: close.reason.to_string() });
                }
                Some(Ok(Message::Close(None))) | None => {
                    return Err(ConnectError::Io(std::io::ErrorKind::ConnectionReset.into()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Says goodbye. Dropping a connection without it is what a lost network looks like.
    pub async fn close(mut self, within: Duration) {
        // Whether the server hears it makes no difference to us.
        let _ = timeout(within, self.stream.close(None)).await;
    }
}

impl Witnessed {
    fn see(&mut self, text: &str) {
        #[derive(Deserialize)]
        struct Answer {
            id: Option<u64>,
        }
        let id = serde_json::from_str::<Answer>(text).ok().and_then(|answer| answer.id);
        let command = id.and_then(|id| self.commands.remove(&id));
        self.witness.frame(text, command.as_deref());
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}
