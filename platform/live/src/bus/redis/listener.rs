//! What a node hears.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::{Heard, Redis, StoreResult, Subscriber};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::wire::{CONTROL, EVENT, SIGNAL, publication};
use super::{channel, epoch};
use crate::Topic;
use crate::bus::Incoming;
use crate::bus::ear::Ear;

/// Wait before subscriptions that failed after a reconnect are tried again, as often as it takes.
const SUBSCRIBE_AGAIN: Duration = Duration::from_millis(500);

/// Turns what the subscriber hears into what the node hears.
pub(super) struct Listener {
    pub(super) redis: Redis,
    pub(super) subscriber: Subscriber,
    pub(super) prefix: Arc<str>,
    pub(super) epoch: Arc<RwLock<Arc<str>>>,
    pub(super) ear: Arc<Ear>,
    pub(super) followed: Arc<Mutex<HashSet<Topic>>>,
    pub(super) hearing: Arc<AtomicBool>,
}

impl Listener {
    pub(super) async fn run(self, mut heard: ::redis::Ear) {
        while let Some(what) = heard.hear().await {
            match what {
                Heard::Message { channel, payload } => {
                    let incoming = self.topic(&channel).and_then(|topic| self.incoming(topic, &payload));
                    match incoming {
                        Some(incoming) => {
                            // Nobody listens before the gateway does, and after it nobody needs to.
                            let _ = self.ear.tell(incoming);
                        }
                        None => tracing::warn!(channel, "a message on the bus cannot be read"),
                    }
                }
                Heard::Missed => self.ear.missed(),
                Heard::Reconnected => {
                    self.hearing.store(false, Ordering::Release);
                    // The other link, for commands, may be back later than this one, and this one says only once that it
                    // is back: who gave up here would be deaf for good.
                    while let Err(error) = self.subscribe_anew().await {
                        if self.ear.is_closed() {
                            return;
                        }
                        tracing::warn!(%error, "subscriptions could not be made anew yet");
                        tokio::time::sleep(SUBSCRIBE_AGAIN).await;
                    }
                    self.hearing.store(true, Ordering::Release);
                    self.ear.missed();
                }
            }
        }
    }

    async fn subscribe_anew(&self) -> StoreResult<()> {
        let epoch = epoch(&self.redis, &self.prefix).await?;
        *self.epoch.write() = epoch;
        let channels: Vec<Arc<str>> =
            self.followed.lock().iter().map(|topic| channel(&self.prefix, *topic).into()).collect();
        self.subscriber.subscribe_all(channels).await
    }

    fn topic(&self, channel: &str) -> Option<Topic> {
        let name = channel.strip_prefix(&*self.prefix)?.strip_prefix("bus:{")?.strip_suffix('}')?;
        name.parse().ok()
    }

    fn incoming(&self, topic: Topic, payload: &Bytes) -> Option<Incoming> {
        let (kind, rest) = payload.split_first()?;
        match *kind {
            EVENT => {
                let epoch = Arc::clone(&self.epoch.read());
                Some(Incoming::Event { topic, epoch, publication: publication(payload)? })
            }
            CONTROL => Some(Incoming::Control { topic, event: serde_json::from_slice(rest).ok()? }),
            SIGNAL => Some(Incoming::Signal { topic, signal: serde_json::from_slice(rest).ok()? }),
            _ => None,
        }
    }
}
