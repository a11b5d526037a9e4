//! The commands.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::Ctx;
use live::{CommandError, Commands, Peer, Reply, Topic, read_data};
use schemas::presence::{PresenceSet, PresenceShown, PresenceUnwatch, PresenceWatch, PresenceWatching};
use serde_json::value::RawValue;

use crate::service::Service;

/// Presence on the socket.
#[must_use]
pub fn socket(service: Arc<Service>) -> Arc<dyn Commands> {
    Arc::new(Socket(service))
}

struct Socket(Arc<Service>);

#[async_trait]
impl Commands for Socket {
    fn names(&self) -> &'static [&'static str] {
        &["presence.set", "presence.watch", "presence.unwatch"]
    }

    async fn call(&self, ctx: &Ctx, peer: &Peer, name: &str, data: &RawValue) -> Result<Reply, CommandError> {
        match name {
            "presence.set" => {
                let PresenceSet { state } = read_data(data)?;
                let state = self.0.set(peer, state).await?;
                Reply::with(&PresenceShown { state })
            }
            "presence.watch" => {
                let PresenceWatch { users } = read_data(data)?;
                let watched = self.0.watch(ctx, peer, &users).await?;
                Ok(Reply::with(&watched.body)?
                    .follow(watched.follow.into_iter().map(Topic::Presence))
                    .unfollow(watched.unfollow.into_iter().map(Topic::Presence)))
            }
            _ => {
                let PresenceUnwatch { users } = read_data(data)?;
                let watching = self.0.unwatch(peer, &users)?;
                Ok(Reply::with(&PresenceWatching { watching })?.unfollow(users.into_iter().map(Topic::Presence)))
            }
        }
    }
}
