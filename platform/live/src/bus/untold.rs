//! Topics whose followers were not told of something, because Redis did not answer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ::redis::Redis;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::redis::{LOSE, keys};
use crate::Topic;

/// Topics that one node remembers. An outage that touches more leaves some followers without what they missed.
const UNTOLD_MAX: usize = 100_000;
const AGAIN_AFTER: Duration = Duration::from_millis(250);

#[derive(Default)]
pub(super) struct Untold {
    topics: Mutex<HashSet<Topic>>,
    more: Notify,
}

impl Untold {
    pub fn mark(&self, topic: Topic) {
        let mut topics = self.topics.lock();
        if topics.len() < UNTOLD_MAX {
            topics.insert(topic);
        } else {
            tracing::error!(%topic, "too many topics wait to be given up; followers of this one may miss an event");
        }
        drop(topics);
        self.more.notify_one();
    }

    /// Gives the topics up, as soon as Redis answers: whoever follows them reads anew.
    pub async fn confess(self: Arc<Self>, redis: Redis, prefix: Arc<str>) {
        let none: Vec<String> = Vec::new();
        loop {
            let next = self.topics.lock().iter().next().copied();
            let Some(topic) = next else {
                self.more.notified().await;
                continue;
            };
            // Forgotten first: what fails in the meantime marks the topic again.
            self.topics.lock().remove(&topic);
            if let Err(error) = redis.run::<()>(&LOSE, keys(&prefix, topic), none.clone()).await {
                tracing::debug!(%topic, %error, "a topic cannot be given up yet");
                self.mark(topic);
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}
