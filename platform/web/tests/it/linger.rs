//! Refused while the body is still on its way.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use web::LINGER_BYTES_MAX;

use crate::world::World;

/// A connection to a world that is served.
async fn connected() -> io::Result<TcpStream> {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = world.router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    TcpStream::connect(address).await
}

/// Sends a body that is refused for its type, whole, and only then listens.
async fn refused(stream: &mut TcpStream, length: usize) -> io::Result<String> {
    let head = format!(
        "POST /v1/notes HTTP/1.1\r\nhost: plaza\r\nauthorization: Bearer ada\r\ncontent-type: text/plain\r\n\
         content-length: {length}\r\n\r\n"
    );
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
        assert!(told.starts_with("HTTP/1.1 415 ") && told.contains("unsupported_media_type"), "{told}");
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
