//! A slot over `pgwire-replication`.

use std::time::Duration;

use async_trait::async_trait;
use pgwire_replication::{PgWireError, ReplicationClient, ReplicationConfig, ReplicationEvent};
use tokio::time::timeout;

use super::{ChangeSource, Event, SourceError};
use crate::pgoutput::fields::since_2000;
use crate::{Error, Lsn};

/// Messages that the connection may have read ahead.
pub const EVENTS_MAX: usize = 256;
/// How often the server hears of us. Far below any sensible `wal_sender_timeout`.
pub const STATUS_EVERY: Duration = Duration::from_millis(500);
/// Longest silence of a server that gets a sign of life into its log several times a minute.
const SILENCE_MAX: Duration = Duration::from_secs(90);
const CONNECT_MAX: Duration = Duration::from_secs(15);
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// Making a slot waits until every transaction that is running has ended.
const MAKE_MAX: Duration = Duration::from_secs(10 * 60);

/// SQLSTATE of a slot that another connection holds.
const IN_USE: &str = "SQLSTATE 55006";
/// SQLSTATE of a slot (or whatever else) that is there already.
const DUPLICATE: &str = "SQLSTATE 42710";

/// A session that has not begun to stream.
pub struct Session {
    slot: String,
    client: ReplicationClient,
    pub system: String,
    pub timeline: u32,
}

/// The stream of a slot.
pub struct Wire {
    client: ReplicationClient,
}

impl Session {
    pub async fn open(config: ReplicationConfig) -> Result<Self, Error> {
        let slot = config.slot.clone();
        let opened = timeout(CONNECT_MAX, async {
            let mut client = ReplicationClient::connect_gated(config).await?;
            let server = client.identify_system().await?;
            Ok((client, server))
        });
        match opened.await {
            Ok(Ok((client, server))) => Ok(Self { slot, client, system: server.system_id, timeline: server.timeline }),
            Ok(Err(error)) => Err(failed(&slot, &error)),
            Err(_) => Err(Error::Connection { slot, why: "the server takes too long to answer".to_owned() }),
        }
    }

    /// Makes the slot, and returns where it begins.
    pub async fn make(&mut self) -> Result<Lsn, Error> {
        let command = format!("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput NOEXPORT_SNAPSHOT", self.slot);
        let made = timeout(MAKE_MAX, self.client.simple_query(&command)).await;
        let rows = match made {
            Ok(Ok(rows)) => rows,
            Ok(Err(error)) => return Err(failed(&self.slot, &error)),
            Err(_) => return Err(self.broken("a transaction has run for too long to make the slot beside it")),
        };
        let start = rows.first().and_then(|row| std::str::from_utf8(row.get(1)?.as_deref()?).ok()?.parse().ok());
        start.ok_or_else(|| self.broken("the server did not say where the new slot begins"))
    }

    /// Takes the slot, and streams from where it was last confirmed.
    pub async fn stream(mut self) -> Result<Wire, Error> {
        let started = timeout(CONNECT_MAX, async {
            self.client.start().await?;
            self.client.wait_started().await
        });
        match started.await {
            Ok(Ok(())) => Ok(Wire { client: self.client }),
            Ok(Err(error)) => Err(failed(&self.slot, &error)),
            Err(_) => Err(self.broken("the server takes too long to begin")),
        }
    }

    fn broken(&self, why: &str) -> Error {
        Error::Connection { slot: self.slot.clone(), why: why.to_owned() }
    }
}

fn failed(slot: &str, error: &PgWireError) -> Error {
    let why = error.to_string();
    if why.contains(IN_USE) || why.contains(DUPLICATE) {
        return Error::Taken { slot: slot.to_owned() };
    }
    Error::Connection { slot: slot.to_owned(), why }
}

#[async_trait]
impl ChangeSource for Wire {
    async fn next(&mut self) -> Result<Event, SourceError> {
        loop {
            let event = match timeout(SILENCE_MAX, self.client.recv()).await {
                Ok(Ok(Some(event))) => event,
                Ok(Ok(None)) => return Err(SourceError("the server ended the stream".to_owned())),
                Ok(Err(error)) => return Err(SourceError(error.to_string())),
                Err(_) => return Err(SourceError(format!("the server was silent for {SILENCE_MAX:?}"))),
            };
            return Ok(match event {
                ReplicationEvent::Begin { final_lsn, xid, commit_time_micros } => {
                    Event::Begin { commit: Lsn::new(final_lsn.as_u64()), at: since_2000(commit_time_micros), xid }
                }
                ReplicationEvent::XLogData { data, .. } => Event::Message(data),
                ReplicationEvent::Commit { end_lsn, .. } => Event::Commit { end: Lsn::new(end_lsn.as_u64()) },
                ReplicationEvent::KeepAlive { wal_end, .. } => Event::Reached(Lsn::new(wal_end.as_u64())),
                ReplicationEvent::Message { transactional: false, lsn, .. } => Event::Reached(Lsn::new(lsn.as_u64())),
                ReplicationEvent::Message { transactional: true, .. } => Event::Asked,
                ReplicationEvent::StoppedAt { .. } => continue,
            });
        }
    }

    fn confirm(&self, position: Lsn) {
        self.client.update_applied_lsn(pgwire_replication::Lsn::from_u64(position.as_u64()));
    }

    async fn close(self: Box<Self>) {
        let mut client = self.client;
        match timeout(CLOSE_MAX, client.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a replication connection did not close in good order"),
            Err(_) => client.abort(),
        }
    }
}
