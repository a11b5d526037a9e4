//! Messages, as those need them who search.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use kernel::{RoomId, UserId};
use schemas::chat as wire;

use super::Service;
use crate::error::Error;
use crate::events;

/// Messages that are read from the log at once.
const AT_ONCE: usize = 16;

impl Service {
    /// The rooms that a person is a member of.
    pub async fn rooms(&self, user: UserId) -> Result<Vec<RoomId>, Error> {
        self.store.rooms_of(user).await
    }

    /// Those of `places` that `reader` may find: in rooms of which they are a member now, not deleted, and not by somebody from whom a
    /// block parts them. (Reading a room shows messages of the blocked, for the conversation's sake; searching does not.)
    pub async fn visible(&self, reader: UserId, places: &[(RoomId, u64)]) -> Result<Vec<wire::Message>, Error> {
        let rooms: HashSet<RoomId> = self.store.rooms_of(reader).await?.into_iter().collect();
        let mine = places.iter().copied().filter(|(room, _)| rooms.contains(room));
        let read = stream::iter(mine)
            .map(|(room, seq)| async move {
                let (message, tallies) =
                    tokio::try_join!(self.log.get(room, seq), self.log.tallies(room, seq, seq, reader))?;
                let message = message.filter(|message| !message.body.is_deleted());
                Ok::<_, Error>(message.map(|message| events::message(&message, tallies)))
            })
            .buffered(AT_ONCE);
        let mut messages: Vec<wire::Message> =
            read.try_filter_map(|message| async { Ok(message) }).try_collect().await?;
        let senders: HashSet<UserId> =
            messages.iter().filter_map(|message| message.sender).filter(|sender| *sender != reader).collect();
        let senders: Vec<UserId> = senders.into_iter().collect();
        let blocked = if senders.is_empty() { Vec::new() } else { self.people.blocked_among(reader, &senders).await? };
        messages.retain(|message| message.sender.is_some_and(|sender| !blocked.contains(&sender)));
        Ok(messages)
    }
}
