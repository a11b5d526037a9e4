//! Follows what makes people and content popular.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ContentId, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::neighbours::Popularity;

/// Events that are taken together: whom or what several of them name is counted once.
pub const AT_ONCE: usize = 64;

/// Has people counted anew when somebody follows or leaves them, and content when something was done with it. What an event says is
/// not added up: what it names is counted as it is now, so that events may repeat, and come late.
pub struct Recounter {
    popularity: Arc<dyn Popularity>,
    /// Held from the count until it is kept, so that what was counted last is kept last.
    turn: Mutex<()>,
}

#[derive(Deserialize)]
struct FollowChanged {
    target: UserId,
}

#[derive(Deserialize)]
struct EngagementChanged {
    content: ContentId,
}

impl Recounter {
    #[must_use]
    pub fn new(popularity: Arc<dyn Popularity>) -> Arc<Self> {
        Arc::new(Self { popularity, turn: Mutex::default() })
    }
}

#[async_trait]
impl Consumer for Recounter {
    fn name(&self) -> &'static str {
        "search.popularity"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "engagement.changed" | "follow.created" | "follow.removed")
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        self.consume_all(&[event]).await
    }

    async fn consume_all(&self, events: &[&Delivery]) -> Result<(), ConsumeError> {
        let (mut people, mut contents) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            if event.kind == "engagement.changed" {
                contents.insert(EngagementChanged::deserialize(&event.payload)?.content);
            } else {
                people.insert(FollowChanged::deserialize(&event.payload)?.target);
            }
        }
        let (people, contents): (Vec<UserId>, Vec<ContentId>) =
            (people.into_iter().collect(), contents.into_iter().collect());
        let _turn = self.turn.lock().await;
        if !people.is_empty() {
            self.popularity.people(&people).await.map_err(|problem| problem.message)?;
        }
        if !contents.is_empty() {
            self.popularity.contents(&contents).await.map_err(|problem| problem.message)?;
        }
        Ok(())
    }
}
