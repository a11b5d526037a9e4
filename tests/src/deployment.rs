//! A Plaza to talk to: real processes on real stores.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use plaza_client::Api;
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::process::{Process, Program};
use crate::servers::{Kind, Server, free_ports};

/// An embedded PostgreSQL is made, and the schema with it.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// On which stores a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// Nothing configured: one node, an embedded PostgreSQL, live state in its memory.
    Embedded,
    /// Two nodes that share PostgreSQL, Cassandra, Redis and OpenSearch.
    GrownUp,
}

/// One or two nodes, and what they stand on.
pub struct Deployment {
    pub stores: Stores,
    pub nodes: Vec<Node>,
    servers: Vec<Server>,
    home: TempDir,
}

/// One `plaza` process.
pub struct Node {
    pub base: String,
    program: Program,
    process: Process,
}

static EMBEDDED: OnceCell<Deployment> = OnceCell::const_new();
static GROWN_UP: OnceCell<Deployment> = OnceCell::const_new();

impl Deployment {
    /// The deployment that all tests on these stores share. It lives as long as the test run.
    pub async fn shared(stores: Stores) -> &'static Self {
        match stores {
            Stores::Embedded => EMBEDDED.get_or_init(|| Self::start(stores, 1, &GENEROUS)).await,
            Stores::GrownUp => GROWN_UP.get_or_init(|| Self::start(stores, 2, &GENEROUS)).await,
        }
    }

    /// A deployment of its own. PostgreSQL, Cassandra and OpenSearch are those that `./test` started, with a database, a
    /// keyspace and indexes of our own; Redis is ours.
    pub async fn start(stores: Stores, nodes: usize, settings: &[(&'static str, &str)]) -> Self {
        let home = home();
        let mut settings: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut servers = Vec::new();
        if stores == Stores::GrownUp {
            let name = format!("plaza_system_{}_{}", std::process::id(), next_number());
            settings.push(("PLAZA_POSTGRES_URL", create_database(&name).await));
            settings.push(("PLAZA_CASSANDRA_NODES", given("PLAZA_TEST_CASSANDRA_NODES")));
            settings.push(("PLAZA_OPENSEARCH_URL", given("PLAZA_TEST_OPENSEARCH_URL")));
            settings.push(("PLAZA_OPENSEARCH_PREFIX", format!("{name}-")));
            settings.push(("PLAZA_CASSANDRA_KEYSPACE", name));
            servers.push(Server::start(Kind::Redis, home.path()).await);
        }
        settings.extend(servers.iter().map(Server::setting));
        let nodes = start_nodes(nodes, home.path(), &settings).await;
        Self { stores, nodes, servers, home }
    }

    /// Two nodes on servers that are all theirs, to be stopped, paused and killed.
    pub async fn start_on_own_servers(kinds: &[Kind], settings: &[(&'static str, &str)]) -> Self {
        Self::alone(2, kinds, settings).await
    }

    /// One node on servers that are all its own.
    pub async fn start_one_on_own_servers(kinds: &[Kind], settings: &[(&'static str, &str)]) -> Self {
        Self::alone(1, kinds, settings).await
    }

    async fn alone(nodes: usize, kinds: &[Kind], settings: &[(&'static str, &str)]) -> Self {
        let home = home();
        let mut servers = Vec::new();
        for kind in kinds {
            servers.push(Server::start(*kind, home.path()).await);
        }
        let mut all: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.extend(servers.iter().map(Server::setting));
        let nodes = start_nodes(nodes, home.path(), &all).await;
        Self { stores: Stores::GrownUp, nodes, servers, home }
    }

    /// A command of Plaza's, with the settings and the data folder of the first node.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let Program { path, environment, .. } = &self.nodes[0].program;
        let mut command = Command::new(path);
        command.args(arguments).arg("--data-dir").arg(self.home.path().join("node1"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PLAZA_")) {
            command.env_remove(name);
        }
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// What the nodes' environment says of a setting.
    ///
    /// # Panics
    /// When it says nothing.
    #[must_use]
    pub fn setting(&self, name: &str) -> &str {
        let found = self.nodes[0].program.environment.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| panic!("{name} is not set here"), |(_, value)| value)
    }

    /// REST by the first node.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.nodes[0].base).expect("a base address")
    }

    /// The addresses of all nodes.
    #[must_use]
    pub fn bases(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.base.clone()).collect()
    }

    /// A server that belongs to this deployment.
    pub fn server(&mut self, kind: Kind) -> &mut Server {
        let found = self.servers.iter_mut().find(|server| server.kind() == kind);
        found.unwrap_or_else(|| panic!("{kind:?} is not this deployment's own"))
    }

    /// Where the logs of nodes and servers are.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        // Nodes go before what they stand on, and have time to stop their own PostgreSQL.
        for node in &mut self.nodes {
            node.process.end(Signal::TERM);
        }
    }
}

impl Node {
    async fn start(program: Program, base: String) -> Self {
        let process = Process::start(program.clone());
        let mut node = Self { base, program, process };
        node.ready().await;
        node
    }

    /// Ends it as a lost machine would.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Freezes it: its connections stay open, nothing answers.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Lets it drain.
    pub async fn stop(&mut self) {
        let status = self.process.stop(Signal::TERM).await;
        assert!(status.success(), "{}: {status}\n{}", self.program.name, self.process.printed());
    }

    /// Starts it again, on the same address.
    pub async fn restart(&mut self) {
        self.process = Process::start(self.program.clone());
        self.ready().await;
    }

    async fn ready(&mut self) {
        let api = Api::new(&self.base).expect("a base address");
        self.process.ready(READY_WITHIN, async || api.is_ready().await).await;
    }
}

/// Limits that would otherwise be reached by a hundred people who all live at 127.0.0.1.
pub const GENEROUS: [(&str, &str); 10] = [
    ("PLAZA_ACCOUNTS_REGISTRATIONS_PER_ADDRESS", "100000"),
    ("PLAZA_ACCOUNTS_ATTEMPTS_PER_ADDRESS", "100000"),
    ("PLAZA_WEB_ADDRESS_BURST", "100000"),
    ("PLAZA_WEB_ADDRESS_PER_MINUTE", "1000000"),
    // Who waits for something to be seen asks many times a second.
    ("PLAZA_WEB_ACCOUNT_BURST", "100000"),
    ("PLAZA_WEB_ACCOUNT_PER_MINUTE", "1000000"),
    ("PLAZA_GATEWAY_CONNECTIONS_PER_ADDRESS", "100000"),
    ("PLAZA_GATEWAY_COMMANDS_PER_MINUTE", "60000"),
    ("PLAZA_GATEWAY_COMMANDS_BURST", "10000"),
    ("PLAZA_GATEWAY_DRAIN_MS", "500"),
];

async fn start_nodes(count: usize, home: &Path, settings: &[(&'static str, String)]) -> Vec<Node> {
    let mut nodes = Vec::new();
    // One after the other: the first brings the schema up to date.
    for number in 1..=count {
        let name = format!("node{number}");
        let address = format!("127.0.0.1:{}", free_ports(1));
        let arguments = ["up", "--listen", &address, "--data-dir"].map(Into::into).into_iter();
        let program = Program {
            path: binary(),
            arguments: arguments.chain([home.join(&name).into()]).collect(),
            environment: settings.to_vec(),
            log: home.join(&name).with_extension("log"),
            name,
        };
        nodes.push(Node::start(program, format!("http://{address}")).await);
    }
    nodes
}

/// The binary that Cargo has built beside this test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/test is three deep");
    let plaza = folder.join("plaza");
    assert!(plaza.exists(), "{} is missing: run ./test, or cargo build -p plaza", plaza.display());
    plaza
}

fn home() -> TempDir {
    forget_old_homes();
    let prefix = format!("{HOME_PREFIX}{}-", std::process::id());
    let home = tempfile::Builder::new().prefix(&prefix).tempdir().expect("a scratch folder");
    // PostgreSQL runs as another user when we are root, and must get through to its data.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(home.path(), open).expect("the scratch folder is ours");
    home
}

const HOME_PREFIX: &str = "plaza-system-";

/// Removes what earlier test runs have left: a shared deployment has nobody who would drop it.
fn forget_old_homes() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(HOME_PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another run may be at it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn given(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run ./test, or set it"))
}

/// Makes a database on the server that was given, and returns its URL. Drops those of test runs that are over.
async fn create_database(name: &str) -> String {
    let server = given("PLAZA_TEST_POSTGRES_URL");
    let mut link = PgConnection::connect(&server).await.expect("PLAZA_TEST_POSTGRES_URL leads to a PostgreSQL");
    let old: Vec<String> =
        sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname LIKE 'plaza\\_system\\_%'")
            .fetch_all(&mut link)
            .await
            .expect("databases can be listed");
    for database in old {
        let alive = database.split('_').nth(2).is_some_and(|pid| Path::new("/proc").join(pid).exists());
        if !alive {
            // Two runs may clean up at once: one of them finds it gone.
            let _ = sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")))
                .execute(&mut link)
                .await;
        }
    }
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut link)
        .await
        .expect("a database can be made");
    let (host, _) = server.rsplit_once('/').expect("a database URL ends in a database");
    format!("{host}/{name}")
}
