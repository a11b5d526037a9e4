//! From an HTTP request to a WebSocket (RFC 6455, section 4), with the buffers that an idle connection can afford.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use kernel::{ErrorKind, Problem};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use web::Failure;

use crate::limits::READ_BUFFER_BYTES;

pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Room for what tungstenite writes by itself: pongs and the close.
const CONTROL_BYTES_MAX: usize = 1024;

/// A request that asks for a WebSocket as it should.
pub struct Upgrade {
    key: HeaderValue,
    protocol: Option<HeaderValue>,
    on_upgrade: OnUpgrade,
}

impl Upgrade {
    /// Checks the handshake. `protocol`, if there is one, must be among those that the client offers.
    pub fn of(request: &mut Request<Body>, protocol: Option<&'static str>) -> Option<Self> {
        let headers = request.headers();
        let asks = has_token(headers, CONNECTION, |part| part.eq_ignore_ascii_case("upgrade"))
            && has_token(headers, UPGRADE, |part| part.eq_ignore_ascii_case("websocket"));
        let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
        let offered =
            protocol.is_none_or(|protocol| has_token(headers, SEC_WEBSOCKET_PROTOCOL, |part| part == protocol));
        let key = headers.get(SEC_WEBSOCKET_KEY).cloned();
        let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
        match (key, on_upgrade) {
            (Some(key), Some(on_upgrade)) if asks && version && offered => {
                Some(Self { key, protocol: protocol.map(HeaderValue::from_static), on_upgrade })
            }
            _ => None,
        }
    }

    /// The 101 response, and the socket once that has been sent. Longer messages than `message_bytes_max` end it.
    pub fn accept(
        self,
        message_bytes_max: usize,
    ) -> (Response, impl Future<Output = Result<Socket, hyper::Error>> + Send + 'static) {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        // Base 64 is always a header's value.
        if let Ok(accept) = HeaderValue::try_from(derive_accept_key(self.key.as_bytes())) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let on_upgrade = self.on_upgrade;
        let socket = async move {
            let io = TokioIo::new(on_upgrade.await?);
            Ok(WebSocketStream::from_raw_socket(io, Role::Server, Some(config(message_bytes_max))).await)
        };
        (response, socket)
    }
}

fn config(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(CONTROL_BYTES_MAX.max(2 * message_bytes_max))
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
}

/// The answer to a request that does not.
pub fn upgrade_required() -> Response {
    let message =
        "This is a WebSocket, version 13 (RFC 6455): ask for an upgrade, and offer subprotocol plaza.v1.json.";
    let problem = Problem::new(ErrorKind::Invalid, "upgrade_required", message);
    let mut response = Failure::from(problem).with_status(StatusCode::UPGRADE_REQUIRED).into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// Whether one of the tokens of a comma-separated header is it (RFC 9110, section 5.6.1).
fn has_token(headers: &HeaderMap, name: HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| is_it(part.trim()))
}
