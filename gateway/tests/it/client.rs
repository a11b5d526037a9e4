//! A client that does what a test tells it to, and waits for what should come.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::node::Person;

/// Longest wait for anything that should happen.
pub const SOON: Duration = Duration::from_secs(60);

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub hello: Value,
    next_id: u64,
}

pub fn request(address: SocketAddr) -> http::Request<()> {
    let mut request = format!("ws://{address}/v1/socket").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "plaza.v1.json".parse().unwrap());
    request
}

/// The response to an upgrade that is refused.
pub async fn refused(request: http::Request<()>) -> http::Response<Option<Vec<u8>>> {
    match tokio_tungstenite::connect_async(request).await {
        Err(Error::Http(response)) => *response,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

impl Client {
    pub async fn open(address: SocketAddr) -> Self {
        let (socket, response) = tokio_tungstenite::connect_async(request(address)).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "plaza.v1.json");
        let mut client = Self { socket, hello: Value::Null, next_id: 1 };
        client.hello = client.frame("hello").await;
        client
    }

    /// Sends a command and gives its id.
    pub async fn send(&mut self, op: &str, d: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.text(&json!({ "id": id, "op": op, "d": d }).to_string()).await;
        id
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends a command and waits for its answer: the whole frame. Nothing else may come before it.
    pub async fn call(&mut self, op: &str, d: Value) -> Value {
        let id = self.send(op, d).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Identifies, and gives the reply's body.
    pub async fn identify(&mut self, person: Person, resume: Option<&Place>) -> Value {
        let mut d = json!({ "token": person.token(600) });
        if let Some(place) = resume {
            d["resume"] = json!({ "epoch": place.epoch, "positions": place.positions });
        }
        let answer = self.call("identify", d).await;
        assert_eq!(answer["t"], "reply", "{answer}");
        answer["d"].clone()
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// The next frame, which must be of this kind. Signals may come at any time.
    pub async fn frame(&mut self, kind: &str) -> Value {
        let mut frame = self.next().await;
        while kind != "signal" && frame["t"] == "signal" {
            frame = self.next().await;
        }
        assert_eq!(frame["t"], kind, "{frame}");
        frame
    }

    /// The number in the next event, which must be one of [`crate::node::publish`].
    pub async fn number(&mut self) -> u64 {
        self.frame("event").await["d"]["n"].as_u64().unwrap()
    }

    pub async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(self.number().await);
        }
        numbers
    }

    /// Waits for the close, past all other frames, and gives its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.map_or(1005, |frame| frame.code.into());
            }
        }
    }

    async fn message(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(SOON, self.socket.next()).await.expect("nothing came");
            match message.expect("the connection ended").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}

/// What a client remembers to come back with.
#[derive(Debug, Clone)]
pub struct Place {
    pub epoch: String,
    pub positions: serde_json::Map<String, Value>,
}

impl Place {
    pub fn of(identified: &Value) -> Self {
        Self {
            epoch: identified["epoch"].as_str().unwrap().to_owned(),
            positions: identified["positions"].as_object().unwrap().clone(),
        }
    }

    /// Notes an event.
    pub fn saw(&mut self, event: &Value) {
        self.positions.insert(event["topic"].as_str().unwrap().to_owned(), event["pos"].clone());
    }
}
