//! A test-only echo, on the upgrade that real connections get: for the Autobahn cases of RFC 6455.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _};
use http::Request;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::upgrade::{Socket, Upgrade, upgrade_required};

/// The longest message of the Autobahn cases, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Beside the page, which is at the root.
const PATH: &str = "/__echo";

pub fn router() -> Router {
    Router::new().route(PATH, get(open))
}

async fn open(mut request: Request<Body>) -> Response {
    match Upgrade::of(&mut request, None) {
        Some(upgrade) => {
            let (response, socket) = upgrade.accept(MESSAGE_BYTES_MAX);
            tokio::spawn(async move {
                if let Ok(socket) = socket.await {
                    echo(socket).await;
                }
            });
            response
        }
        None => upgrade_required(),
    }
}

async fn echo(mut socket: Socket) {
    while let Some(Ok(message)) = socket.next().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
