//! A mock that listens, and a client for it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use mock::{Mock, Settings};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct World {
    pub address: SocketAddr,
    client: reqwest::Client,
    _stop: DropGuard,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
        (self.status.as_u16(), problem["code"].as_str().unwrap().to_owned())
    }
}

pub fn client() -> reqwest::Client {
    // Only the first one is installed; nothing here speaks TLS anyway.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::new()
}

impl World {
    pub async fn start(settings: Settings) -> Self {
        let mock = Mock::load(settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(mock::serve(listener, mock, stop.clone()));
        Self { address, client: client(), _stop: stop.drop_guard() }
    }

    /// A request with these headers; `authorization: Bearer mock-ada` unless it says otherwise.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).timeout(DEADLINE);
        if headers.iter().all(|(name, _)| *name != "authorization") {
            request = request.header("authorization", "Bearer mock-ada");
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if headers.iter().all(|(name, _)| *name != "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    pub async fn connect(&self, path: &str, protocol: Option<&str>) -> Socket {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        Socket(socket)
    }

    /// A connection of Plaza's, identified as the owner of `token`.
    pub async fn identified(&self, token: &str) -> Socket {
        let mut socket = self.connect("/v1/socket", Some("plaza.v1.json")).await;
        assert_eq!(socket.next().await["t"], "hello");
        let reply = socket.command(1, "identify", json!({ "token": token })).await;
        assert_eq!(reply["d"]["status"], "fresh", "{reply}");
        socket
    }
}

pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next frame, or the code with which the connection was closed.
    pub async fn frame(&mut self) -> Result<Value, u16> {
        loop {
            let message = timeout(DEADLINE, self.0.next()).await.expect("no frame in time").unwrap().unwrap();
            match message {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                _ => {}
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        self.frame().await.expect("the connection was closed")
    }

    /// The next frame that `is_it`; others are passed over.
    pub async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if is_it(&frame) {
                return frame;
            }
        }
    }

    /// Sends a command and waits for its answer; whatever else comes meanwhile is passed over.
    pub async fn command(&mut self, id: u64, op: &str, d: Value) -> Value {
        self.say(&json!({ "id": id, "op": op, "d": d }).to_string()).await;
        self.find(|frame| frame["id"] == id).await
    }
}
