//! Makes acts of what happens elsewhere. Events may repeat: an act happens once.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ContentId, Timestamp, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use schemas::engagement::{EngagementChanged, What};
use schemas::graph::EdgeChanged;
use schemas::notifications::Happening;
use serde::Deserialize;

use crate::model::Act;
use crate::{Error, Service, store};

pub struct Listener(pub Arc<Service>);

/// As much of `content.created` and `content.edited` as concerns others.
#[derive(Deserialize)]
struct Published {
    content: ContentId,
    author: UserId,
    mentions: Vec<UserId>,
    parent: Option<ContentId>,
    root: Option<ContentId>,
    created_at: Option<Timestamp>,
    edited_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct ContentGone {
    content: ContentId,
}

#[derive(Deserialize)]
struct AccountDeleted {
    user: UserId,
}

impl Listener {
    async fn engaged(&self, event: EngagementChanged) -> Result<(), Error> {
        let EngagementChanged { content, author, user, what, value, on, at, .. } = event;
        let what = match what {
            What::Reaction => Happening::Reacted,
            What::Share => Happening::Shared,
            // Nobody's business but one's own.
            What::Save => return Ok(()),
        };
        if on {
            let act = Act { target: Some(content), reaction: value, ..Act::plain(author, what, user, at) };
            return self.0.add(&act).await;
        }
        Ok(store::remove(&self.0.db, author, what, Some(content), user).await?)
    }

    async fn published(&self, event: Published, at: Timestamp) -> Result<(), Error> {
        let at = event.edited_at.or(event.created_at).unwrap_or(at);
        let mut answered: Vec<UserId> = Vec::new();
        let above: Vec<ContentId> = [event.parent, event.root].into_iter().flatten().collect();
        if !above.is_empty() {
            // Of what its author may no longer see, nobody is told.
            let seen = self.0.contents.visible(event.author, &above).await?;
            for (place, target) in above.iter().enumerate() {
                let Some(recipient) = seen.get(target).map(|glimpse| glimpse.author) else { continue };
                if answered.contains(&recipient) {
                    continue;
                }
                answered.push(recipient);
                let is_reply = place == 0 && event.root.is_some_and(|root| root != *target);
                let what = if is_reply { Happening::Replied } else { Happening::Commented };
                let plain = Act::plain(recipient, what, event.author, at);
                self.0.add(&Act { target: Some(*target), item: Some(event.content), ..plain }).await?;
            }
        }
        for recipient in event.mentions.iter().filter(|recipient| !answered.contains(recipient)) {
            let plain = Act::plain(*recipient, Happening::Mentioned, event.author, at);
            self.0.add(&Act { target: Some(event.content), ..plain }).await?;
        }
        Ok(())
    }

    /// `source` follows or asks `target`, or no longer does.
    async fn graph_changed(&self, kind: &str, edge: EdgeChanged, at: Timestamp) -> Result<(), Error> {
        let EdgeChanged { source, target } = edge;
        let db = &self.0.db;
        match kind {
            "follow.requested" => self.0.add(&Act::plain(target, Happening::FollowRequested, source, at)).await,
            "follow.created" => {
                // Who has just granted a request knows.
                if store::is_there(db, target, Happening::FollowRequested, source).await? {
                    return Ok(());
                }
                self.0.add(&Act::plain(target, Happening::Followed, source, at)).await
            }
            "follow.accepted" => {
                store::remove(db, target, Happening::FollowRequested, None, source).await?;
                self.0.add(&Act::plain(source, Happening::FollowAccepted, target, at)).await
            }
            "follow.request_removed" => Ok(store::remove(db, target, Happening::FollowRequested, None, source).await?),
            _ => Ok(store::remove(db, target, Happening::Followed, None, source).await?),
        }
    }
}

#[async_trait]
impl Consumer for Listener {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "engagement.changed"
                | "content.created"
                | "content.edited"
                | "content.deleted"
                | "content.expired"
                | "follow.created"
                | "follow.removed"
                | "follow.requested"
                | "follow.request_removed"
                | "follow.accepted"
                | "account.deleted"
        )
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let payload = event.payload.clone();
        match event.kind.as_str() {
            "engagement.changed" => Ok(self.engaged(serde_json::from_value(payload)?).await?),
            "content.created" | "content.edited" => {
                Ok(self.published(serde_json::from_value(payload)?, event.created_at).await?)
            }
            "content.deleted" | "content.expired" => {
                let ContentGone { content } = serde_json::from_value(payload)?;
                Ok(store::forget_content(&self.0.db, content).await?)
            }
            "account.deleted" => {
                let AccountDeleted { user } = serde_json::from_value(payload)?;
                Ok(store::forget_person(&self.0.db, user).await?)
            }
            kind => Ok(self.graph_changed(kind, serde_json::from_value(payload)?, event.created_at).await?),
        }
    }
}
