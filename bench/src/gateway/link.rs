//! One client connection of the load generator: a bare socket, so that the generator costs little.

use std::sync::{Arc, LazyLock};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::measure::Recorder;
use crate::texts::{Dice, prose};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Stands before a payload's stamp in every frame, Plaza's and the floor's alike.
const STAMP_AFTER: &str = "\"text\":\"";
const MOMENT_AFTER: &str = "\"moment\":\"";
/// Words of prose before it begins anew.
const PROSE_WORDS: u64 = 100;

pub struct Link {
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    stream: SplitStream<WebSocketStream<TcpStream>>,
    next_id: u64,
}

/// The newest moment that a connection was told, which goes with what it says next, as the clients have it.
pub type Moment = Arc<Mutex<Option<String>>>;

pub type Sender = SplitSink<WebSocketStream<TcpStream>, Message>;

impl Link {
    pub async fn open(url: &str, read_buffer: usize) -> Result<Self, Error> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("plaza.v1.json"));
        let address = request.uri().authority().ok_or("the address has no host")?.to_string();
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(read_buffer).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        let (sink, stream) = socket.split();
        Ok(Self { sink, stream, next_id: 1 })
    }

    /// A connection to the floor, in `room`.
    pub async fn floor(port: u16, room: &str, read_buffer: usize) -> Result<Self, Error> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(read_buffer).write_buffer_size(0);
        let (socket, _) = client_async_with_config(format!("ws://127.0.0.1:{port}/"), stream, Some(config)).await?;
        let (mut sink, stream) = socket.split();
        sink.send(Message::text(room)).await?;
        Ok(Self { sink, stream, next_id: 1 })
    }

    /// A connection to Plaza that has identified itself.
    pub async fn plaza(url: &str, token: &str, read_buffer: usize) -> Result<Self, Error> {
        let mut link = Self::open(url, read_buffer).await?;
        let reply = link.call("identify", &serde_json::json!({ "token": token })).await?;
        match reply.get("status").and_then(serde_json::Value::as_str) {
            Some("fresh") => Ok(link),
            _ => Err(format!("identify was answered with {reply}").into()),
        }
    }

    /// Sends a command and waits for its reply; other frames that come meanwhile are dropped.
    pub async fn call(&mut self, op: &str, data: &serde_json::Value) -> Result<serde_json::Value, Error> {
        let id = self.next_id;
        self.next_id += 1;
        self.sink.send(Message::text(serde_json::json!({ "id": id, "op": op, "d": data }).to_string())).await?;
        loop {
            let message = self.stream.next().await.ok_or("the server closed the connection")??;
            let Message::Text(text) = message else { continue };
            let frame: serde_json::Value = serde_json::from_str(&text)?;
            if frame.get("id").and_then(serde_json::Value::as_u64) != Some(id) {
                continue;
            }
            return match frame.get("t").and_then(serde_json::Value::as_str) {
                Some("reply") => Ok(frame.get("d").cloned().unwrap_or_default()),
                _ => Err(format!("{op} was answered with {frame}").into()),
            };
        }
    }

    /// Waits for the next frame that carries a payload and says how long that frame is, in bytes.
    pub async fn next_payload_length(&mut self) -> Result<usize, Error> {
        loop {
            let message = self.stream.next().await.ok_or("the server closed the connection")??;
            if let Message::Text(text) = message
                && stamp(&text).is_some()
            {
                return Ok(text.len());
            }
        }
    }

    pub fn split(self) -> (Sender, Receiver) {
        (self.sink, Receiver(self.stream))
    }
}

/// The receiving half: counts what arrives until the connection ends.
pub struct Receiver(SplitStream<WebSocketStream<TcpStream>>);

impl Receiver {
    pub async fn record(mut self, recorder: &Recorder, moment: &Moment) {
        while let Some(Ok(message)) = self.0.next().await {
            match message {
                Message::Text(text) => {
                    if let Some(sent) = stamp(&text) {
                        recorder.arrived(sent);
                    } else if let Some(told) = told(&text) {
                        *moment.lock() = Some(told.to_owned());
                    } else if is_refusal(&text) {
                        recorder.refused();
                    }
                }
                Message::Close(_) => break,
                _ => {}
            }
        }
        recorder.lost_connection();
    }
}

/// A payload's text of `length` bytes: its stamp, and then what a person might write.
pub fn stamped(now: u64, length: usize) -> String {
    static PROSE: LazyLock<String> = LazyLock::new(|| prose(&mut Dice::new(1), PROSE_WORDS));
    let mut text = format!("{now} ");
    text.extend(PROSE.chars().cycle().take(length.saturating_sub(text.len())));
    text
}

/// The stamp in a frame that delivers a payload. Plaza's own replies to the sender carry none: they are acks.
fn stamp(frame: &str) -> Option<u64> {
    if frame.starts_with("{\"t\":\"reply\"") {
        return None;
    }
    let rest = frame.split_once(STAMP_AFTER)?.1;
    rest.split_once(' ')?.0.parse().ok()
}

/// Whether the frame says that a send was refused. The floor refuses nothing.
fn is_refusal(frame: &str) -> bool {
    frame.starts_with("{\"t\":\"error\"")
}

/// The moment in a reply.
fn told(frame: &str) -> Option<&str> {
    let (told, _) = frame.rsplit_once(MOMENT_AFTER)?.1.split_once('"')?;
    Some(told)
}

/// A frame for the floor of `length` bytes in all.
pub fn floor_frame(now: u64, length: usize) -> String {
    let wrapping = "{\"text\":\"\"}".len();
    format!("{{\"text\":\"{}\"}}", stamped(now, length.saturating_sub(wrapping)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_frame_is_as_long_as_asked_and_carries_its_stamp() {
        let frame = floor_frame(1234, 300);
        assert_eq!(frame.len(), 300);
        assert_eq!(stamp(&frame), Some(1234));
        let reply = r#"{"t":"reply","id":1,"d":{"message":{"text":"12 x"},"duplicate":false,"moment":"7.0f"}}"#;
        assert_eq!((stamp(reply), told(reply)), (None, Some("7.0f")));
        assert!(is_refusal(r#"{"t":"error","id":1,"error":{"code":"room_busy"}}"#));
        assert!(!is_refusal(reply) && !is_refusal(&frame));
    }
}
