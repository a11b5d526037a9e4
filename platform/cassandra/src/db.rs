//! The session.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Secret, StoreError};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow;
use scylla::frame::types::{Consistency, SerialConsistency};
use scylla::serialize::row::SerializeRow;
use scylla::statement::Statement;
use scylla::statement::prepared::PreparedStatement;
use serde::Deserialize;

use crate::gather::{Gather, Write};
use crate::{MigrateFault, StoreResult, fault, migrations};

/// Longest wait for an answer. Whoever gives leases around writes reckons with it.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest wait for a connection to a node.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A statement that makes a table flushes schemas on every node.
pub(crate) const SCHEMA_TIMEOUT: Duration = Duration::from_secs(45);
const KEYSPACE_LENGTH_MAX: usize = 48;

/// How to reach Cassandra.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `host:port` of some nodes; the others are learnt from them. Empty: wide rows live in PostgreSQL.
    pub nodes: Vec<String>,
    pub keyspace: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// The data centre to stay in. Absent: any.
    pub datacenter: Option<String>,
    /// Copies of each row per data centre, used when the keyspace is made here.
    pub replication_factor: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            keyspace: "plaza".to_owned(),
            username: None,
            password: None,
            datacenter: None,
            replication_factor: 1,
        }
    }
}

/// A keyspace of a Cassandra cluster. Cheap to clone: all clones share one session.
#[derive(Clone)]
pub struct Db {
    session: Arc<Session>,
    gather: Gather,
    keyspace: Arc<str>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("keyspace", &self.keyspace).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens a session, makes the keyspace if it is missing, and uses it.
    pub async fn connect(settings: &Settings) -> StoreResult<Self> {
        let keyspace = settings.keyspace.as_str();
        let plain = keyspace.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || keyspace.is_empty() || keyspace.len() > KEYSPACE_LENGTH_MAX {
            return Err(StoreError::broken(format!(
                "a keyspace is called by 1 to {KEYSPACE_LENGTH_MAX} of a-z, 0-9 and _, not {keyspace:?}"
            )));
        }
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::LocalQuorum)
            .serial_consistency(Some(SerialConsistency::LocalSerial))
            .request_timeout(Some(REQUEST_TIMEOUT))
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&settings.nodes)
            .connection_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .default_execution_profile_handle(profile.into_handle())
            // Token-aware routing needs our keyspace's replication only, not everybody's tables.
            .keyspaces_to_fetch([keyspace]);
        if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
            builder = builder.user(username, password.expose());
        }
        if let Some(datacenter) = &settings.datacenter {
            builder = builder.prefer_datacenter(datacenter.clone());
        }
        // Boxed: the driver's connection futures are large.
        let session = Box::pin(builder.build()).await.map_err(fault::session)?;
        let session = Arc::new(session);
        let db = Self { gather: Gather::new(session.clone()), session, keyspace: keyspace.into() };
        db.run(&format!(
            "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication =
             {{'class': 'NetworkTopologyStrategy', 'replication_factor': {}}}",
            settings.replication_factor
        ))
        .await?;
        db.session.use_keyspace(keyspace, false).await.map_err(fault::keyspace)?;
        Ok(db)
    }

    /// Applies the migrations that are missing. Safe to call from several processes at once.
    pub async fn migrate(&self) -> Result<(), MigrateFault> {
        migrations::run(self, migrations::FILES).await
    }

    /// [`Db::migrate`] with other files than Plaza's own.
    pub async fn migrate_with(&self, migrations: &[crate::Migration]) -> Result<(), MigrateFault> {
        migrations::run(self, migrations).await
    }

    #[must_use]
    pub fn keyspace(&self) -> &str {
        &self.keyspace
    }

    /// Prepares a statement on all nodes. Done once, when a store is opened.
    pub async fn prepare(&self, cql: &str) -> StoreResult<PreparedStatement> {
        Box::pin(self.session.prepare(cql)).await.map_err(fault::prepare)
    }

    // The driver's futures are boxed below: by value they would be part of every caller's.

    /// Runs a write. An error says whether it certainly did not happen.
    pub async fn write(&self, statement: &PreparedStatement, values: impl SerializeRow) -> StoreResult<()> {
        Box::pin(self.session.execute_unpaged(statement, values)).await.map(drop).map_err(fault::write)
    }

    /// Runs a caller's small writes in one request, which others may share: 10 at most, whose long values are
    /// [`SMALL_BYTES_MAX`](crate::SMALL_BYTES_MAX) at most together. They are not one transaction: each may happen without the
    /// others. An error says whether certainly none of them happened.
    ///
    /// For what is written often: most of what a small write costs is its request, and writes that come at once share theirs.
    pub async fn write_small(&self, writes: Vec<Write>) -> StoreResult<()> {
        self.gather.write(writes).await
    }

    /// Runs a write that has a condition (`IF …`): whether it was applied.
    pub async fn write_if(&self, statement: &PreparedStatement, values: impl SerializeRow) -> StoreResult<bool> {
        let result = Box::pin(self.session.execute_unpaged(statement, values)).await.map_err(fault::write)?;
        applied(result)
    }

    /// Reads all rows of a bounded statement.
    pub async fn read<R>(&self, statement: &PreparedStatement, values: impl SerializeRow) -> StoreResult<Vec<R>>
    where
        R: for<'frame> DeserializeRow<'frame, 'frame>,
    {
        let result = Box::pin(self.session.execute_unpaged(statement, values)).await.map_err(fault::read)?;
        let result = result.into_rows_result().map_err(StoreError::broken)?;
        let rows = result.rows::<R>().map_err(StoreError::broken)?;
        rows.map(|row| row.map_err(StoreError::broken)).collect()
    }

    /// Whether a quorum answers.
    pub async fn ping(&self) -> StoreResult<()> {
        self.server_version().await.map(drop)
    }

    /// The version of the node that answers, `5.0.8`.
    pub async fn server_version(&self) -> StoreResult<String> {
        let result =
            self.session.query_unpaged("SELECT release_version FROM system.local", ()).await.map_err(fault::read)?;
        let result = result.into_rows_result().map_err(StoreError::broken)?;
        Ok(result.single_row::<(String,)>().map_err(StoreError::broken)?.0)
    }

    /// Runs a statement that makes or drops tables.
    pub(crate) async fn run(&self, cql: &str) -> StoreResult<()> {
        let mut statement = Statement::new(cql);
        statement.set_request_timeout(Some(SCHEMA_TIMEOUT));
        Box::pin(self.session.query_unpaged(statement, ())).await.map(drop).map_err(fault::write)
    }

    /// Runs a condition outside of prepared statements: whether it was applied.
    pub(crate) async fn run_if(&self, cql: &str, values: impl SerializeRow) -> StoreResult<bool> {
        let mut statement = Statement::new(cql);
        statement.set_request_timeout(Some(SCHEMA_TIMEOUT));
        applied(Box::pin(self.session.query_unpaged(statement, values)).await.map_err(fault::write)?)
    }

    pub(crate) const fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

/// The answer to a condition has `[applied]` as its first column, followed by the row as it is when it was not.
fn applied(result: scylla::response::query_result::QueryResult) -> StoreResult<bool> {
    let result = result.into_rows_result().map_err(StoreError::broken)?;
    let row = result.single_row::<scylla::value::Row>().map_err(StoreError::broken)?;
    match row.columns.first() {
        Some(Some(scylla::value::CqlValue::Boolean(applied))) => Ok(*applied),
        _ => Err(StoreError::broken("a condition's answer does not say whether it was applied")),
    }
}
