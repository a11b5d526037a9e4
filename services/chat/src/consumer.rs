//! What chat does about outbox events.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, RoomId, UserId};
use live::{Control, Topic, UserEvent};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;

use crate::service::Service;

/// Somebody left a room or was removed.
pub const LEFT: &str = "room.member_left";
/// An account is gone (written by accounts).
const ACCOUNT_DELETED: &str = "account.deleted";

/// Repeats the orders that sockets must obey, and takes people whose account is gone out of their rooms.
pub struct Keeper {
    pub chat: Arc<Service>,
    pub clock: Clock,
}

#[derive(Deserialize)]
struct Left {
    room: RoomId,
    user: UserId,
}

#[derive(Deserialize)]
struct Deleted {
    user: UserId,
}

#[async_trait]
impl Consumer for Keeper {
    fn name(&self) -> &'static str {
        "chat.keeper"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, LEFT | ACCOUNT_DELETED)
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        if event.kind == ACCOUNT_DELETED {
            let Deleted { user } = serde_json::from_value(event.payload.clone())?;
            return Ok(Box::pin(self.chat.forget(user, self.clock.now())).await?);
        }
        let Left { room, user } = serde_json::from_value(event.payload.clone())?;
        // Again: whoever removed them may have died before.
        self.chat.log.move_gate(room).await?;
        // What is true now, not then: the person may be back. An order alone is not kept, so a repeat leaves no trace.
        let order = match self.chat.store.role_of(room, user).await? {
            Some(_) => Control::Follow(room.into()),
            None => Control::Unfollow(room.into()),
        };
        let event = UserEvent { control: vec![order], body: None };
        Ok(self.chat.bus.publish(Topic::User(user), &event).await?)
    }
}
