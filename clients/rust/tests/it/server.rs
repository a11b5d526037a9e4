//! A server that a test plays by hand, frame by frame.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use kernel::{Clock, SessionId, Timestamp, UserId};
use plaza_client::{Api, Backoff, Options, Session, Socket, Subscription};
use schemas::accounts::{Account, SignedIn, Tokens};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const SOON: Duration = Duration::from_secs(60);

pub struct Server {
    listener: TcpListener,
    user: UserId,
    session: SessionId,
}

/// One connection of the client, after the upgrade.
pub struct Link(WebSocketStream<TcpStream>);

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let now = Clock::system().now();
        Self { listener, user: UserId::new(now), session: SessionId::new(now) }
    }

    /// A client of this server, whose access token is good for an hour.
    pub fn client(&self) -> (Socket, Subscription) {
        let later = Clock::system().now().plus(Duration::from_secs(3600));
        let account = Account {
            id: self.user,
            handle: "ada".to_owned(),
            name: "Ada".to_owned(),
            bio: String::new(),
            private: false,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        let tokens = Tokens {
            session: self.session,
            access_token: "access".to_owned().into(),
            access_expires_at: later,
            refresh_token: "refresh".to_owned().into(),
            refresh_expires_at: later,
        };
        let api = Api::new(&format!("http://{}", self.listener.local_addr().unwrap())).unwrap();
        let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(5) };
        let options = Options { backoff, ..Options::default() };
        Socket::start(Session::new(api, SignedIn { account, tokens }), options)
    }

    /// Takes the client's next connection and says hello. Returns it with what the client identifies as.
    pub async fn accept(&self) -> (Link, Value) {
        let (stream, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let upgrade = |request: &Request, mut response: Response| {
            let wanted = request.headers()["sec-websocket-protocol"].clone();
            assert_eq!(wanted, "plaza.v1.json");
            response.headers_mut().insert("sec-websocket-protocol", wanted);
            Ok(response)
        };
        let mut link = Link(tokio_tungstenite::accept_hdr_async(stream, upgrade).await.unwrap());
        let limits = json!({"frame_bytes": 65536, "commands_in_flight": 16, "commands_per_minute": 120, "topics": 1000, "connections": 20});
        link.say(
            json!({"t": "hello", "heartbeat_ms": 25000, "identify_within_ms": 10000, "limits": limits, "node": "n1"}),
        )
        .await;
        let identify = link.hear().await;
        assert_eq!(identify["op"], "identify");
        (link, identify)
    }

    /// Answers `identify`.
    pub async fn identified(&self, link: &mut Link, identify: &Value, status: &str, positions: Value) {
        let body = json!({
            "status": status, "user": self.user, "session": self.session, "connection": "1", "epoch": "e1",
            "positions": positions, "replayed": 0, "token_expires_at": "2100-01-01T00:00:00.000Z",
        });
        link.say(json!({"t": "reply", "id": identify["id"], "d": body})).await;
    }
}

impl Link {
    pub async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn event(&mut self, topic: &str, pos: u64) {
        self.say(json!({"t": "event", "topic": topic, "pos": pos, "d": {"type": "test", "pos": pos}})).await;
    }

    /// The client's next command.
    pub async fn hear(&mut self) -> Value {
        loop {
            match timeout(SOON, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a command: {other:?}"),
            }
        }
    }

    pub async fn close(mut self, code: u16) {
        let close = CloseFrame { code: code.into(), reason: "test".into() };
        self.0.close(Some(close)).await.unwrap();
    }
}
