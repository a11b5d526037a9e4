//! The Plaza under test, with people and rooms in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use plaza_client::{Api, Session};
use schemas::accounts::Registration;
use tokio::time::Instant;

use super::Options;
use super::link::{Error, Link};
use crate::database::Database;
use crate::process::Server;

/// Longest wait for Plaza to be ready: embedded stores may have to be made first.
const READY_WITHIN: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Requests at a time while the world is made.
const AT_ONCE: usize = 8;
const PASSWORD: &str = "a benchmark's own passphrase";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// What Plaza starts by itself.
    Embedded,
    /// PostgreSQL, Redis and Cassandra servers.
    GrownUp,
}

impl fmt::Display for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::GrownUp => "grown-up",
        })
    }
}

pub struct Plaza {
    server: Server,
    stores: Stores,
    /// What it has on servers that outlive it.
    own: Option<Own>,
    base: String,
    folder: tempfile::TempDir,
    sessions: Vec<Session>,
    everybody: String,
    pairs: Vec<String>,
}

/// The release binary: the one given, or the one that cargo builds now.
pub fn binary(given: Option<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(path) = given {
        return Ok(path);
    }
    let status = std::process::Command::new("cargo").args(["build", "--release", "-p", "plaza"]).status()?;
    if !status.success() {
        return Err("plaza could not be built".into());
    }
    let beside = std::env::current_exe()?.with_file_name("plaza");
    if beside.exists() { Ok(beside) } else { Err(format!("{} is not there", beside.display()).into()) }
}

impl Plaza {
    pub async fn start(binary: &Path, stores: Stores) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        // An embedded PostgreSQL may run as another user, who has to get here.
        open_to_all(folder.path())?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let data = folder.path().join("data").display().to_string();
        let mut environment = limits_out_of_the_way();
        let own = match stores {
            Stores::Embedded => None,
            Stores::GrownUp => Some(Own::create().await?),
        };
        if let Some(own) = &own {
            environment.extend(own.environment());
        }
        let log = folder.path().join("plaza.log");
        let mut server = Server::spawn(binary, &["up", "--listen", &listen, "--data-dir", &data], &environment, &log)?;
        let base = format!("http://{listen}");
        let deadline = Instant::now() + READY_WITHIN;
        while !ready(&listen).await {
            if !server.alive() || Instant::now() > deadline {
                return Err(format!("Plaza is not ready; it said:\n{}", std::fs::read_to_string(&log)?).into());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        let (sessions, pairs) = (Vec::new(), Vec::new());
        Ok(Self { server, stores, own, base, folder, sessions, everybody: String::new(), pairs })
    }

    /// Registers as many people as the scenarios need, puts them all into one room, and two by two into others.
    pub async fn populate(&mut self, options: &Options) -> Result<(), Error> {
        let people = options.members.max(options.pairs * 2).max(options.connections.div_ceil(CONNECTIONS_EACH));
        println!("  registering {people} people …");
        let api = Api::new(&self.base)?;
        self.sessions = stream::iter(0..people)
            .map(|number| {
                let api = api.clone();
                async move {
                    let (handle, name) = (format!("person{number}"), format!("Person {number}"));
                    let password = PASSWORD.to_owned().into();
                    api.register(&Registration { handle, name, password, device: None }).await
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let members: Vec<_> = self.sessions[..options.members].iter().map(Session::user).collect();
        let (owner, others) = self.sessions.first().zip(members.get(1..)).ok_or("a room needs two people")?;
        let mut groups = others.chunks(MEMBERS_A_REQUEST);
        let room = owner.group("Everybody", groups.next().unwrap_or_default()).await?;
        for more in groups {
            owner.add_members(room.id, more).await?;
        }
        self.everybody = room.id.to_string();
        self.pairs = stream::iter(self.sessions[..options.pairs * 2].chunks(2))
            .map(|pair| async move { Ok::<_, Error>(pair[0].direct(pair[1].user()).await?.id.to_string()) })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(())
    }

    /// A connection of one of the people, identified.
    pub async fn connect(&self, person: usize, read_buffer: usize) -> Result<Link, Error> {
        let token = self.sessions[person].access_token().await?;
        Link::plaza(&format!("{}/v1/socket", self.base.replacen("http", "ws", 1)), token.expose(), read_buffer).await
    }

    pub fn room(&self, pair: usize, everybody: bool) -> &str {
        if everybody { &self.everybody } else { &self.pairs[pair] }
    }

    pub const fn people(&self) -> usize {
        self.sessions.len()
    }

    pub const fn server(&self) -> &Server {
        &self.server
    }

    pub const fn stores(&self) -> Stores {
        self.stores
    }

    /// Where the embedded PostgreSQL is.
    pub fn postgres_url(&self) -> Result<String, Error> {
        let url = postgres::embedded::running(&self.folder.path().join("data").join("postgres"));
        Ok(url.ok_or("no embedded PostgreSQL runs")?.expose().to_owned())
    }

    pub fn name(&self) -> String {
        format!("Plaza, {} stores", self.stores)
    }

    /// Ends it, and drops what it stored.
    pub async fn stop(self) -> Result<(), Error> {
        self.server.stop().await?;
        match self.own {
            Some(own) => own.drop().await,
            None => Ok(()),
        }
    }
}

/// Connections that one person opens; Plaza lets an account have 20.
const CONNECTIONS_EACH: usize = 10;
/// People that one request adds to a room.
const MEMBERS_A_REQUEST: usize = 100;

/// A load generator is one address that registers and connects a lot: what limits that is not what is measured.
fn limits_out_of_the_way() -> Vec<(&'static str, String)> {
    [
        ("PLAZA_ACCOUNTS_REGISTRATIONS_PER_ADDRESS", "1000000"),
        ("PLAZA_WEB_ADDRESS_BURST", "1000000"),
        ("PLAZA_WEB_ACCOUNT_BURST", "1000000"),
        ("PLAZA_GATEWAY_ADMISSIONS_PER_SECOND", "100000"),
        ("PLAZA_GATEWAY_ADMISSIONS_BURST", "100000"),
        ("PLAZA_GATEWAY_COMMANDS_PER_MINUTE", "100000000"),
        ("PLAZA_GATEWAY_COMMANDS_BURST", "1000000"),
        ("PLAZA_LOG", "warn"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .to_vec()
}

/// A database and a keyspace of one run's own. Keys in Redis end by themselves.
struct Own {
    servers: Servers,
    database: Database,
}

impl Own {
    async fn create() -> Result<Self, Error> {
        Ok(Self { servers: Servers::from_environment()?, database: Database::create().await? })
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let Self { servers, database } = self;
        vec![
            ("PLAZA_POSTGRES_URL", database.url()),
            ("PLAZA_REDIS_URL", servers.redis.clone()),
            ("PLAZA_REDIS_PREFIX", format!("{}:", database.name())),
            ("PLAZA_CASSANDRA_NODES", servers.cassandra.clone()),
            ("PLAZA_CASSANDRA_KEYSPACE", database.name().to_owned()),
        ]
    }

    async fn drop(self) -> Result<(), Error> {
        let session = self.servers.cassandra().await?;
        session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {}", self.database.name()), ()).await?;
        self.database.drop().await
    }
}

/// Servers that run already; `scripts/servers` has what starts them.
pub struct Servers {
    pub redis: String,
    pub cassandra: String,
}

impl Servers {
    pub fn from_environment() -> Result<Self, Error> {
        let read = |name: &str| std::env::var(name).map_err(|_| format!("set {name}, or choose --stores embedded"));
        Ok(Self { redis: read("PLAZA_TEST_REDIS_URL")?, cassandra: read("PLAZA_TEST_CASSANDRA_NODES")? })
    }

    /// A session that reads and writes at LOCAL_QUORUM.
    pub async fn cassandra(&self) -> Result<scylla::client::session::Session, Error> {
        let profile = scylla::client::execution_profile::ExecutionProfile::builder()
            .consistency(scylla::statement::Consistency::LocalQuorum)
            .build();
        let builder = scylla::client::session_builder::SessionBuilder::new()
            .known_nodes(self.cassandra.split(','))
            .default_execution_profile_handle(profile.into_handle());
        Ok(builder.build().await?)
    }
}

async fn ready(listen: &str) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::TcpStream::connect(listen).await else { return false };
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    asked.await.is_ok() && answer.starts_with(b"HTTP/1.1 200")
}

fn open_to_all(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}
