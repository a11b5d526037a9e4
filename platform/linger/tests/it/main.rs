//! Refused while the body is still on its way.

use std::io;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use http::StatusCode;
use linger::LINGER_BYTES_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A connection to somebody who takes no bodies.
async fn connected() -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/notes", post(async || (StatusCode::UNSUPPORTED_MEDIA_TYPE, "no such thing")))
        .route("/healthz", get(async || "fine"))
        .layer(from_fn(async |request: Request, next: Next| next.run(linger::body(request)).await));
    tokio::spawn(async move { axum::serve(listener, router).await });
    TcpStream::connect(address).await
}

/// Sends a body that is refused for its type, whole, and only then listens.
async fn refused(stream: &mut TcpStream, length: usize) -> io::Result<String> {
    let head =
        format!("POST /notes HTTP/1.1\r\nhost: plaza\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let part = vec![b'x'; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let now = left.min(part.len());
        stream.write_all(&part[..now]).await?;
        left -= now;
    }
    answer(stream).await
}

/// One answer of at most a few kilobytes, with a body of a known length.
async fn answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return Ok(text);
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[tokio::test]
async fn who_is_refused_while_sending_hears_why_and_may_go_on() {
    let mut stream = connected().await.unwrap();
    for length in [8 * 1024 * 1024, LINGER_BYTES_MAX] {
        let told = refused(&mut stream, length).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 415 ") && told.ends_with("no such thing"), "{told}");
    }
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: plaza\r\n\r\n").await.unwrap();
    assert!(answer(&mut stream).await.unwrap().ends_with("fine"));
}

#[tokio::test]
async fn who_goes_on_sending_is_cut_off() {
    let mut stream = connected().await.unwrap();
    // Far enough past the limit that the server's own buffer does not hold the rest. Whether the answer arrives is up to the network.
    let _ = refused(&mut stream, 2 * LINGER_BYTES_MAX).await;
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: plaza\r\n\r\n").await;
    let heard = answer(&mut stream).await.unwrap_or_default();
    assert!(!heard.ends_with("fine"), "the connection is open: {heard}");
}
