//! Chat and presence by the socket.

use kernel::{Cursor, RoomId, UserId};
use schemas::chat::{
    Done, History, HistoryGet, Marks, Message, MessageEdit, MessageRef, MessageSend, MessageSent, ReactionSet, Room,
    RoomChanges, RoomRef, RoomsChangesGet,
};
use schemas::presence::{Activity, PresenceSet, PresenceShown, PresenceWatch, PresenceWatched};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::{Backoff, Order, Socket};
use crate::CommandError;

impl Socket {
    /// Says something in a room, and repeats itself under one client id until it is acknowledged, refused for good, or out
    /// of time. An error after that leaves open whether it was said: [`Socket::send`] with the same `client_id` tells.
    pub async fn send_message(&self, room: RoomId, text: impl Into<String>) -> Result<MessageSent, CommandError> {
        self.send(&self.message(room, text)).await
    }

    /// A message that was never sent, with a client id of its own. To be sent as it is, however often.
    #[must_use]
    pub fn message(&self, room: RoomId, text: impl Into<String>) -> MessageSend {
        // Before the id is made, which is what it says.
        let made_after = *self.moment.lock();
        MessageSend { room, client_id: Self::client_id(), text: text.into(), reply_to: None, made_after }
    }

    /// Like [`Socket::send_message`], with a message that the caller keeps.
    pub async fn send(&self, message: &MessageSend) -> Result<MessageSent, CommandError> {
        let deadline = Instant::now() + self.reply_within;
        let mut failures = 0;
        loop {
            let error = match timeout_at(deadline, self.call("message.send", message)).await {
                Ok(Ok(sent)) => {
                    self.remember(&sent);
                    return Ok(sent);
                }
                Ok(Err(error)) => error,
                Err(_) => CommandError::TimedOut,
            };
            failures += 1;
            let wait = Backoff::default().wait(failures, error.retry_after());
            if !error.is_temporary() || Instant::now() + wait >= deadline {
                return Err(error);
            }
            sleep(wait).await;
        }
    }

    /// Takes note of the moment of an answer. One of an answer that came out of order is older, which costs a look.
    fn remember(&self, sent: &MessageSent) {
        if let Some(moment) = sent.moment {
            *self.moment.lock() = Some(moment);
        }
    }

    pub async fn edit_message(&self, room: RoomId, seq: u64, text: impl Into<String>) -> Result<Message, CommandError> {
        self.call("message.edit", &MessageEdit { room, seq, text: text.into(), version: None }).await
    }

    pub async fn delete_message(&self, room: RoomId, seq: u64) -> Result<(), CommandError> {
        self.call("message.delete", &MessageRef { room, seq }).await.map(|Done {}| ())
    }

    pub async fn react(&self, room: RoomId, seq: u64, emoji: &str) -> Result<(), CommandError> {
        let reaction = ReactionSet { room, seq, emoji: emoji.to_owned() };
        self.call("reaction.add", &reaction).await.map(|Done {}| ())
    }

    pub async fn unreact(&self, room: RoomId, seq: u64, emoji: &str) -> Result<(), CommandError> {
        let reaction = ReactionSet { room, seq, emoji: emoji.to_owned() };
        self.call("reaction.remove", &reaction).await.map(|Done {}| ())
    }

    /// We have read up to `seq`.
    pub async fn read(&self, room: RoomId, seq: u64) -> Result<Marks, CommandError> {
        self.call("room.read", &MessageRef { room, seq }).await
    }

    /// Everything up to `seq` has arrived on this device.
    pub async fn delivered(&self, room: RoomId, seq: u64) -> Result<Marks, CommandError> {
        self.call("room.delivered", &MessageRef { room, seq }).await
    }

    pub async fn start_typing(&self, room: RoomId) -> Result<(), CommandError> {
        self.call("typing.start", &RoomRef { room }).await.map(|Done {}| ())
    }

    pub async fn stop_typing(&self, room: RoomId) -> Result<(), CommandError> {
        self.call("typing.stop", &RoomRef { room }).await.map(|Done {}| ())
    }

    /// A page of a room's messages.
    pub async fn history(&self, which: &HistoryGet) -> Result<History, CommandError> {
        self.call("history", which).await
    }

    /// All of a room's messages after `after`: what is missing after [`super::Event::Resync`] or [`super::Event::Gap`].
    /// Those of them that still come as events are dropped as repeats.
    pub async fn catch_up(&self, room: RoomId, after: u64) -> Result<Vec<Message>, CommandError> {
        let (mut missed, mut after) = (Vec::new(), after);
        loop {
            let limit = Some(kernel::PageSize::MAX);
            let page = HistoryGet { room, before: None, after: Some(after), around: None, limit };
            let page: History = self.history(&page).await?;
            let Some(last) = page.messages.last().map(|message| message.seq) else {
                return Ok(missed);
            };
            missed.extend(page.messages);
            self.order(Order::CaughtUp { room, seq: last }).await?;
            if last >= page.last_seq {
                return Ok(missed);
            }
            after = last;
        }
    }

    /// What has changed in our rooms since a cursor; all of them without one. A device that was away for long asks this
    /// before it looks into any room.
    pub async fn room_changes(&self, after: Option<Cursor>) -> Result<RoomChanges, CommandError> {
        let which = RoomsChangesGet { changed_after: after, limit: Some(kernel::PageSize::MAX) };
        self.call("rooms.changes", &which).await
    }

    /// Hears an open channel from now on, on this connection and those that resume it.
    pub async fn follow_channel(&self, room: RoomId) -> Result<Room, CommandError> {
        self.call("channel.follow", &RoomRef { room }).await
    }

    pub async fn unfollow_channel(&self, room: RoomId) -> Result<(), CommandError> {
        self.call("channel.unfollow", &RoomRef { room }).await.map(|Done {}| ())?;
        self.order(Order::Leave { topic: room.to_string() }).await
    }

    /// How this device makes its owner appear.
    pub async fn set_presence(&self, state: Activity) -> Result<PresenceShown, CommandError> {
        self.call("presence.set", &PresenceSet { state }).await
    }

    /// Hears of these people's comings and goings, as long as this connection lasts.
    pub async fn watch_presence(&self, users: &[UserId]) -> Result<PresenceWatched, CommandError> {
        self.call("presence.watch", &PresenceWatch { users: users.to_vec() }).await
    }

    /// A client id that no other message has.
    #[must_use]
    pub fn client_id() -> Uuid {
        uuid::Builder::from_random_bytes(rand::random()).into_uuid()
    }
}
