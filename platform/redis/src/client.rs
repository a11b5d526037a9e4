//! The connection for commands.

use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig, UnresponsiveConfig,
};
use fred::types::{FromValue, MultipleKeys, MultipleValues, Value};
use kernel::{Secret, StoreError};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::batch::{Asked, Batched, Call, carry, run_alone};
use crate::{Script, StoreResult, fault};

/// Until a connection is made, TLS included.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Until a command is answered.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection whose oldest command is unanswered for so long is taken for dead.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(3);
const UNRESPONSIVE_CHECK: Duration = Duration::from_secs(1);
/// Reconnecting starts with this wait, in milliseconds, and doubles it …
const RECONNECT_MS_MIN: u32 = 50;
/// … up to this one.
const RECONNECT_MS_MAX: u32 = 2_000;
/// Commands that wait for the socket; more are refused.
const COMMANDS_WAITING_MAX: usize = 65_536;

/// Where Redis is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `redis://`, `rediss://` (TLS), `redis-cluster://`, `rediss-cluster://` or `redis-sentinel://`, with user,
    /// password and database number as usual.
    pub url: Secret,
}

impl Settings {
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Secret::new(url.into()) }
    }
}

/// A client that reconnects by itself. Clones share its connection.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    batched: mpsc::Sender<Asked>,
}

impl Redis {
    /// Connects. Fails when Redis is not reachable now; once connected, the client reconnects for ever.
    pub async fn connect(settings: &Settings) -> StoreResult<Self> {
        let config = Config::from_url(settings.url.expose()).map_err(fault)?;
        let performance =
            PerformanceConfig { default_command_timeout: COMMAND_TIMEOUT, ..PerformanceConfig::default() };
        let client = Client::new(config, Some(performance), Some(connection_config()), Some(reconnect_policy()));
        // The tasks end with the client.
        drop(client.init().await.map_err(unreachable)?);
        tokio::spawn(report(client.clone()));
        let (batched, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
        tokio::spawn(carry(client.clone(), asked));
        Ok(Self { client, batched })
    }

    /// For plain commands, through fred's interfaces. Translate their errors with [`fault`].
    #[must_use]
    pub const fn commands(&self) -> &Client {
        &self.client
    }

    /// Whether a command sent now has somebody to answer it.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// Whether keys lie on several servers. On one, commands are carried out in the order in which they are begun.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.client.is_clustered()
    }

    /// Calls a script by its hash, and sends it when the server does not know it.
    pub async fn run<R: FromValue>(
        &self,
        script: &Script,
        keys: impl Into<MultipleKeys> + Send,
        args: impl TryInto<MultipleValues, Error: Into<Error> + Send> + Send,
    ) -> StoreResult<R> {
        self.must_be_connected()?;
        script.get().evalsha_with_reload(&self.client, keys, args).await.map_err(fault)
    }

    /// Calls a script together with others, in as many keys and arguments as it takes. In a cluster, where their keys may lie on several
    /// servers, alone.
    pub async fn run_batched<R: FromValue>(
        &self,
        script: &'static Batched,
        keys: Vec<String>,
        args: impl IntoIterator<Item: Into<Value>>,
    ) -> StoreResult<R> {
        self.must_be_connected()?;
        let args = args.into_iter().map(Into::into).collect();
        let ((script, call), answered) = Call::of(script, keys, args).map_err(fault)?;
        let carried = async {
            if self.is_cluster() {
                run_alone(&self.client, script, call).await;
            } else if self.batched.try_send((script, call)).is_err() {
                return Err(Error::new(ErrorKind::Backpressure, "too many calls of scripts wait"));
            }
            answered.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Canceled, "the call was given up")))
        };
        let late = || Error::new(ErrorKind::Timeout, "a script was not answered in time");
        let answer = timeout(COMMAND_TIMEOUT, carried).await.unwrap_or_else(|_| Err(late()));
        answer.and_then(Value::convert).map_err(fault)
    }

    /// Asks for a sign of life.
    pub async fn health(&self) -> StoreResult<()> {
        self.must_be_connected()?;
        self.client.ping::<String>(None).await.map(drop).map_err(fault)
    }

    /// Ends the connection after what was sent is answered.
    pub async fn close(&self) {
        if let Err(error) = self.client.quit().await {
            tracing::debug!(%error, "closing the connection to Redis");
        }
    }

    /// Fails at once while the link is down.
    pub fn must_be_connected(&self) -> StoreResult<()> {
        if self.is_connected() { Ok(()) } else { Err(StoreError::unavailable("not connected to Redis")) }
    }
}

pub(crate) fn connection_config() -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: CONNECT_TIMEOUT,
        internal_command_timeout: COMMAND_TIMEOUT,
        max_command_attempts: 1,
        max_command_buffer_len: COMMANDS_WAITING_MAX,
        auto_client_setname: true,
        // A command must not wait in the socket until the one before it is answered.
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        unresponsive: UnresponsiveConfig { max_timeout: Some(UNRESPONSIVE_AFTER), interval: UNRESPONSIVE_CHECK },
        ..ConnectionConfig::default()
    }
}

pub(crate) fn reconnect_policy() -> ReconnectPolicy {
    ReconnectPolicy::new_exponential(0, RECONNECT_MS_MIN, RECONNECT_MS_MAX, 2)
}

/// A failure before anything could be sent.
pub(crate) fn unreachable(error: Error) -> StoreError {
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::InvalidCommand => StoreError::Broken(Box::new(error)),
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// Says in the log when the link breaks and when it is back.
async fn report(client: Client) {
    let (mut errors, mut links) = (client.error_rx(), client.reconnect_rx());
    drop(client);
    loop {
        tokio::select! {
            error = errors.recv() => match error {
                Ok((error, server)) => tracing::warn!(%error, ?server, "the link to Redis broke"),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
            server = links.recv() => match server {
                Ok(server) => tracing::info!(%server, "connected to Redis"),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}
