//! The listener: one address for REST and the WebSocket, and one for figures where they are kept apart.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::Http;
use crate::exit::{Exit, Stopped};

/// The flags that name addresses.
pub const LISTEN: &str = "--listen";
pub const METRICS_LISTEN: &str = "--metrics-listen";

/// Connections that the kernel may hold for us before they are accepted.
const BACKLOG: u32 = 4_096;
/// Wait after a failed accept: when the process is out of file descriptors, trying at once would only burn CPU.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 << 10;
const HEADERS_MAX: usize = 64;

/// Takes the address that `flag` gives, without listening yet.
pub fn bind(address: SocketAddr, flag: &str) -> Result<TcpSocket, Stopped> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the kernel to forget old connections.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        io::Result::Ok(socket)
    };
    bound().map_err(|error| unavailable(address, flag, &error))
}

/// Starts to take connections. They wait until [`serve`] accepts them.
pub fn listen(socket: TcpSocket, address: SocketAddr, flag: &str) -> Result<TcpListener, Stopped> {
    socket.listen(BACKLOG).map_err(|error| unavailable(address, flag, &error))
}

fn unavailable(address: SocketAddr, flag: &str, error: &io::Error) -> Stopped {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "another program (or another Plaza) listens there".to_owned(),
        io::ErrorKind::AddrNotAvailable => "it is no address of this machine".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "this user may not listen there (ports below 1024 need privileges)".to_owned()
        }
        _ => error.to_string(),
    };
    let hint = format_args!("Name another with {flag}, for example {flag} 127.0.0.1:8081; port 0 takes a free one.");
    Stopped::new(Exit::Listen, format_args!("Cannot listen on {address}: {why}. {hint}"))
}

/// Serves until `stop`; then accepts nothing more, and returns when the requests in hand are answered. Sockets that were
/// upgraded are the gateway's.
pub async fn serve(listener: TcpListener, router: Router, settings: &Http, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(settings.connections_max));
    let head_max = Duration::from_millis(settings.head_ms_max);
    let connections = TaskTracker::new();
    while let Some((stream, peer, slot)) = next(&listener, &slots, &stop).await {
        let connection = connection(stream, peer, router.clone(), head_max, stop.clone(), slot);
        connections.spawn(connection);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection; `None` once it is time to stop.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    stop.run_until_cancelled(async {
        loop {
            // Closed never: the semaphore lives as long as the loop.
            let Ok(slot) = Arc::clone(slots).acquire_owned().await else { continue };
            match listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, slot),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
    .await
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    head_max: Duration,
    stop: CancellationToken,
    _slot: OwnedSemaphorePermit,
) {
    // Small frames must not wait for an acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {}))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_max).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
