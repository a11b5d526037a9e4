//! Says hello to somebody, and prints what is said: `cargo run -p plaza-client --example hello -- ada PASSWORD usr_…`

use kernel::UserId;
use plaza_client::{Api, Options, Socket};
use schemas::accounts::LogIn;
use schemas::chat::MessageCreated;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(handle), Some(password), Some(other)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: hello HANDLE PASSWORD USER_ID".into());
    };
    let other: UserId = other.parse()?;

    let api = Api::new("http://127.0.0.1:8080")?;
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
