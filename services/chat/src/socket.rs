//! Chat over the socket.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Ctx, ErrorKind, Problem};
use live::{CommandError, Commands, Peer, Reply, Topic, read_data as read};
use schemas::chat as wire;
use serde_json::value::RawValue;

use crate::http::span;
use crate::service::{Saying, Service};

/// The commands that this slice answers.
#[must_use]
pub fn socket(service: Arc<Service>) -> Arc<dyn Commands> {
    Arc::new(Socket(service))
}

struct Socket(Arc<Service>);

const NAMES: &[&str] = &[
    "message.send",
    "message.edit",
    "message.delete",
    "reaction.add",
    "reaction.remove",
    "room.read",
    "room.delivered",
    "typing.start",
    "typing.stop",
    "history",
    "rooms.changes",
    "channel.follow",
    "channel.unfollow",
];

fn done() -> Result<Reply, CommandError> {
    Reply::with(&wire::Done {})
}

#[async_trait]
impl Commands for Socket {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn is_read(&self, name: &str) -> bool {
        matches!(name, "history" | "rooms.changes")
    }

    async fn call(&self, ctx: &Ctx, _: &Peer, name: &str, data: &RawValue) -> Result<Reply, CommandError> {
        match name {
            "message.send" => {
                let wire::MessageSend { room, client_id, text, reply_to, made_after } = read(data)?;
                let saying = Saying { room, client_id, text, reply_to, made_after };
                Reply::with(&Box::pin(self.0.send(ctx, saying)).await?)
            }
            "history" => {
                let wire::HistoryGet { room, before, after, around, limit } = read(data)?;
                let span = span(before, after, around)?;
                Reply::with(&Box::pin(self.0.history(ctx, room, span, limit.unwrap_or_default())).await?)
            }
            "rooms.changes" => {
                let wire::RoomsChangesGet { changed_after, limit } = read(data)?;
                let changes = self.0.changes(ctx, changed_after.as_ref(), limit.unwrap_or_default());
                Reply::with(&Box::pin(changes).await?)
            }
            _ => Box::pin(self.act(ctx, name, data)).await,
        }
    }
}

impl Socket {
    async fn act(&self, ctx: &Ctx, name: &str, data: &RawValue) -> Result<Reply, CommandError> {
        let chat = &self.0;
        match name {
            "message.edit" => {
                let wire::MessageEdit { room, seq, text, version } = read(data)?;
                Reply::with(&chat.edit(ctx, room, seq, wire::MessagePatch { text, version }).await?)
            }
            "message.delete" => {
                let wire::MessageRef { room, seq } = read(data)?;
                chat.delete(ctx, room, seq).await?;
                done()
            }
            "reaction.add" => {
                let wire::ReactionSet { room, seq, emoji } = read(data)?;
                chat.react(ctx, room, seq, &emoji).await?;
                done()
            }
            "reaction.remove" => {
                let wire::ReactionSet { room, seq, emoji } = read(data)?;
                chat.unreact(ctx, room, seq, &emoji).await?;
                done()
            }
            "room.read" => {
                let wire::MessageRef { room, seq } = read(data)?;
                Reply::with(&chat.read(ctx, room, seq).await?)
            }
            "room.delivered" => {
                let wire::MessageRef { room, seq } = read(data)?;
                chat.delivered(ctx, room, seq).await?;
                done()
            }
            "typing.start" | "typing.stop" => {
                let wire::RoomRef { room } = read(data)?;
                chat.typing(ctx, room, name == "typing.start").await?;
                done()
            }
            "channel.follow" => {
                let wire::RoomRef { room } = read(data)?;
                let seen = chat.follow(ctx, room).await?;
                Ok(Reply::with(&seen)?.follow([Topic::Room(room)]))
            }
            "channel.unfollow" => {
                let wire::RoomRef { room } = read(data)?;
                // Its members follow a room as long as they are in it.
                let topics = chat.may_unfollow(ctx, room).await?.then_some(Topic::Room(room));
                Ok(done()?.unfollow(topics))
            }
            _ => Err(Problem::new(ErrorKind::NotFound, "unknown_command", "There is no command of this name.")),
        }
    }
}
