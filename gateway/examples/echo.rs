//! A WebSocket echo on the upgrade that real connections get, for the Autobahn cases of RFC 6455:
//!
//! ```text
//! cargo run -p gateway --features echo --example echo -- 127.0.0.1:9001
//! kosoku ws://127.0.0.1:9001/__echo -p 2 -x '12.*' -x '13.*' -o report
//! ```

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, gateway::echo_router()).await
}
