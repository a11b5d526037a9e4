//! From an HTTP request to a WebSocket (RFC 6455, section 4).

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::rest::Fault;
use crate::spec::Channel;

pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Longest message that is read from a client, in bytes; the same as the real server's.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// The 101 response, and the socket once that has been sent.
pub fn accept(
    channel: &Channel,
    parts: &mut Parts,
) -> Result<(Response, impl Future<Output = Result<Socket, hyper::Error>> + Send + 'static), Fault> {
    let headers = &parts.headers;
    let asks = has_token(headers, CONNECTION, "upgrade") && has_token(headers, UPGRADE, "websocket");
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let offered = channel.subprotocol.as_ref().is_none_or(|it| has_token(headers, SEC_WEBSOCKET_PROTOCOL, it));
    let key = headers.get(SEC_WEBSOCKET_KEY).cloned();
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let (Some(key), Some(on_upgrade), true) = (key, on_upgrade, asks && version && offered) else {
        let offer = channel.subprotocol.as_ref().map(|it| format!(", and offer subprotocol {it}")).unwrap_or_default();
        let detail = format!("This is a WebSocket, version 13 (RFC 6455): ask for an upgrade{offer}.");
        let fault = Fault::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
        return Err(fault.with(CONNECTION, "upgrade").with(UPGRADE, "websocket").with(SEC_WEBSOCKET_VERSION, "13"));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    for (name, value) in [
        (SEC_WEBSOCKET_ACCEPT, Some(derive_accept_key(key.as_bytes()))),
        (SEC_WEBSOCKET_PROTOCOL, channel.subprotocol.clone()),
    ] {
        if let Some(value) = value.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(name, value);
        }
    }
    let config =
        WebSocketConfig::default().max_message_size(Some(FRAME_BYTES_MAX)).max_frame_size(Some(FRAME_BYTES_MAX));
    let socket = async move {
        let io = TokioIo::new(on_upgrade.await?);
        Ok(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
    };
    Ok((response, socket))
}

/// Whether one of the tokens of a comma-separated header is it (RFC 9110, section 5.6.1).
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}
