//! Says hello to somebody, and prints what is said: `cargo run -p plaza-client --example hello -- ada PASSWORD usr_…`

use std::error::Error;

use kernel::UserId;
use plaza_client::{Api, Options, Socket};
use schemas::accounts::LogIn;
use schemas::chat::MessageCreated;

/// The README shows these lines, and the whole-system tests run them.
#[expect(clippy::print_stdout, reason = "that is what it is for")]
pub async fn hello(
    url: &str,
    handle: String,
    password: String,
    other: UserId,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let api = Api::new(url)?;
    let me = api.log_in(&LogIn { handle, password: password.into(), device: None }).await?;
    let room = me.direct(other).await?;
    let (socket, mut events) = Socket::start(me, Options::default());
    socket.send_message(room.id, "Hello!").await?;
    while let Some(event) = events.next().await {
        if let Some(Ok(MessageCreated { message })) = event.parse_as("message.created") {
            println!("{:?}: {}", message.sender, message.text);
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(handle), Some(password), Some(other)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: hello HANDLE PASSWORD USER_ID".into());
    };
    hello("http://127.0.0.1:8080", handle, password, other.parse()?).await
}
