//! What rooms and people are told.

use std::sync::Arc;

use kernel::{RoomId, UserId};
use live::{Bus, Control, Signal, Topic, UserEvent};
use schemas::chat as wire;
use serde::Serialize;

use crate::log::{Message, Tally};

/// Publishes after the store has said yes. A failure is not the caller's: what a device misses, it finds in its rooms' changes,
/// and orders that must be obeyed are repeated from the outbox.
#[derive(Clone)]
pub(crate) struct Events(pub Arc<dyn Bus>);

impl Events {
    pub async fn tell_room(&self, room: RoomId, event: &impl Serialize) {
        self.publish(Topic::Room(room), Vec::new(), event).await;
    }

    pub async fn tell_user(&self, user: UserId, event: &impl Serialize) {
        self.publish(Topic::User(user), Vec::new(), event).await;
    }

    pub async fn joined(&self, user: UserId, event: &wire::RoomJoined) {
        self.publish(Topic::User(user), vec![Control::Follow(event.room.id.into())], event).await;
    }

    pub async fn left(&self, user: UserId, event: &wire::RoomLeft) {
        self.publish(Topic::User(user), vec![Control::Unfollow(event.room.into())], event).await;
    }

    async fn publish(&self, topic: Topic, control: Vec<Control>, event: &impl Serialize) {
        // Our own types always serialise.
        let Ok(body) = serde_json::value::to_raw_value(event) else { return };
        if let Err(error) = self.0.publish(topic, &UserEvent { control, body: Some(body) }).await {
            tracing::warn!(%topic, %error, "followers were not told of a change");
        }
    }

    pub async fn typing(&self, event: &wire::Typing) {
        let Ok(body) = serde_json::value::to_raw_value(event) else { return };
        let key = format!("typing:{}", event.user);
        let signal = Signal { body, by: Some(event.user), key };
        if let Err(error) = self.0.signal(Topic::Room(event.room), &signal).await {
            tracing::debug!(%error, "nobody was told that somebody types");
        }
    }
}

/// A message as clients see it.
pub(crate) fn message(message: &Message, tallies: impl IntoIterator<Item = Tally>) -> wire::Message {
    let body = &message.body;
    wire::Message {
        id: body.id,
        room: message.room,
        seq: message.seq,
        sender: body.sender,
        client_id: body.client_id,
        text: body.text.clone(),
        reply_to: body.reply_to,
        mentions: body.mentions.clone(),
        version: body.version,
        created_at: body.created_at,
        edited_at: body.edited_at,
        deleted_at: body.deleted_at,
        reactions: tallies
            .into_iter()
            .map(|tally| wire::ReactionTally { emoji: tally.emoji, count: tally.count, mine: tally.mine })
            .collect(),
    }
}

/// The event under which a message enters its room's topic.
pub(crate) fn created(of: &Message) -> Option<UserEvent> {
    let event = wire::MessageCreated { message: message(of, []) };
    let body = serde_json::value::to_raw_value(&event).ok()?;
    Some(UserEvent { control: Vec::new(), body: Some(body) })
}
