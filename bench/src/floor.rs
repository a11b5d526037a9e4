//! The floor: the same WebSocket library with no product behind it.
//!
//! A connection's first text frame names the room that it joins; every later one is forwarded as it is to all members
//! of that room, the sender included. One task a connection, one bounded queue a connection, one write a message.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

/// Messages that a member may lag behind before the floor drops its connection.
const QUEUE_MAX: usize = 4096;

type Members = Vec<mpsc::Sender<Message>>;

#[derive(Default)]
struct Rooms(RwLock<HashMap<String, Arc<RwLock<Members>>>>);

impl Rooms {
    fn join(&self, name: &str, member: mpsc::Sender<Message>) -> Arc<RwLock<Members>> {
        let room = Arc::clone(self.0.write().expect("no panics hold it").entry(name.to_owned()).or_default());
        room.write().expect("no panics hold it").push(member);
        room
    }
}

/// Serves on a free loopback port and prints it as the first line.
pub async fn serve() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let rooms = Arc::new(Rooms::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let rooms = Arc::clone(&rooms);
        tokio::spawn(async move {
            // A connection that fails is the client's to notice: it counts what it lost.
            let _ended = connection(stream, &rooms).await;
        });
    }
}

async fn connection(stream: TcpStream, rooms: &Rooms) -> Result<(), Box<tokio_tungstenite::tungstenite::Error>> {
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let mut socket = accept_async_with_config(stream, Some(config)).await.map_err(Box::new)?;
    let (sender, mut queue) = mpsc::channel(QUEUE_MAX);
    let mut room = None;
    loop {
        tokio::select! {
            queued = queue.recv() => match queued {
                Some(message) => socket.send(message).await.map_err(Box::new)?,
                None => return Ok(()),
            },
            frame = socket.next() => match frame.transpose().map_err(Box::new)? {
                None | Some(Message::Close(_)) => return Ok(()),
                Some(message @ Message::Text(_)) => match &room {
                    None => room = Some(rooms.join(message.to_text().map_err(Box::new)?, sender.clone())),
                    Some(room) => broadcast(room, &message),
                },
                Some(_) => {}
            },
        }
    }
}

fn broadcast(room: &RwLock<Members>, message: &Message) {
    for member in room.read().expect("no panics hold it").iter() {
        // A member that is full or gone misses it; the load generator counts.
        let _full = member.try_send(message.clone());
    }
}
