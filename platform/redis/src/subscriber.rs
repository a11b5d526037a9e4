//! The connection that hears what is published.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::RespVersion;
use fred::types::config::PerformanceConfig;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::broadcast::error::RecvError;

use crate::client::{COMMAND_TIMEOUT, connection_config, reconnect_policy, unreachable};
use crate::{Redis, StoreResult, fault};

/// Messages that arrived and were not looked at yet. What finds no place is dropped, and said: [`Heard::Missed`].
const ARRIVED_MAX: usize = 65_536;
/// Channels that are subscribed at a time.
const SUBSCRIBING_MAX: usize = 256;
/// How often a link that says nothing is asked for a sign of life: one that is cut without a word would be deaf.
const PING_EVERY: Duration = Duration::from_secs(5);

/// What a subscriber hears.
#[derive(Debug)]
pub enum Heard {
    Message {
        channel: String,
        payload: bytes::Bytes,
    },
    /// Messages came faster than they were taken, and some are gone.
    Missed,
    /// The link broke and is there again. No channel is subscribed any more.
    Reconnected,
}

/// A client for sharded pub/sub (Redis 7) on a connection of its own. Clones share it.
#[derive(Clone)]
pub struct Subscriber {
    client: Client,
}

/// The stream of what a [`Subscriber`] hears.
pub struct Ear {
    messages: tokio::sync::broadcast::Receiver<fred::types::Message>,
    links: tokio::sync::broadcast::Receiver<fred::types::config::Server>,
}

impl Redis {
    /// Opens a connection to the same Redis for hearing.
    pub async fn subscriber(&self) -> StoreResult<(Subscriber, Ear)> {
        let mut config = self.commands().client_config();
        // Messages apart from answers, so that a ping works on a connection that is subscribed.
        config.version = RespVersion::RESP3;
        let performance = PerformanceConfig {
            default_command_timeout: COMMAND_TIMEOUT,
            broadcast_channel_capacity: ARRIVED_MAX,
            ..PerformanceConfig::default()
        };
        let client = Client::new(config, Some(performance), Some(connection_config()), Some(reconnect_policy()));
        let ear = Ear { messages: client.message_rx(), links: client.reconnect_rx() };
        // The task ends with the client.
        drop(client.init().await.map_err(unreachable)?);
        // The first connection counts as one too.
        let mut ear = ear;
        while ear.links.try_recv().is_ok() {}
        tokio::spawn(keep_alive(client.clone()));
        Ok((Subscriber { client }, ear))
    }
}

impl Subscriber {
    pub async fn subscribe(&self, channel: &str) -> StoreResult<()> {
        self.client.ssubscribe(channel).await.map_err(fault)
    }

    pub async fn unsubscribe(&self, channel: &str) -> StoreResult<()> {
        self.client.sunsubscribe(channel).await.map_err(fault)
    }

    /// Subscribes to many, as after a reconnect.
    pub async fn subscribe_all(&self, channels: impl IntoIterator<Item = Arc<str>>) -> StoreResult<()> {
        stream::iter(channels)
            .map(|channel| async move { self.subscribe(&channel).await })
            .buffer_unordered(SUBSCRIBING_MAX)
            .try_collect()
            .await
    }

    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// Ends the connection. The [`Ear`] hears no more.
    pub async fn close(&self) {
        if let Err(error) = self.client.quit().await {
            tracing::debug!(%error, "closing the subscriber to Redis");
        }
    }
}

impl Ear {
    /// The next thing heard; `None` when the subscriber was closed.
    pub async fn hear(&mut self) -> Option<Heard> {
        loop {
            tokio::select! {
                biased;
                link = self.links.recv() => return match link {
                    Ok(_) | Err(RecvError::Lagged(_)) => Some(Heard::Reconnected),
                    Err(RecvError::Closed) => None,
                },
                message = self.messages.recv() => match message {
                    Ok(message) => {
                        if let Some(payload) = message.value.into_bytes() {
                            return Some(Heard::Message { channel: message.channel.to_string(), payload });
                        }
                    }
                    Err(RecvError::Lagged(_)) => return Some(Heard::Missed),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}

/// Makes the client notice a dead link: a ping that is not answered in time counts as one.
async fn keep_alive(client: Client) {
    let mut tick = tokio::time::interval(PING_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !matches!(client.state(), fred::types::ClientState::Disconnecting) {
        tick.tick().await;
        if client.is_connected()
            && let Err(error) = client.ping::<String>(None).await
        {
            tracing::debug!(%error, "the subscriber's link gives no sign of life");
        }
    }
}
