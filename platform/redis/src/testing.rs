//! A Redis of a test's own, to be killed.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use fred::interfaces::ClientLike as _;
use fred::types::{CustomCommand, Value};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::{Redis, Settings};

/// Longest wait for a server to answer.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A `redis-server` from the PATH on a free loopback port, without persistence. Killed when dropped.
pub struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    /// # Panics
    /// When no server comes up: there is nothing to test then.
    pub async fn start() -> Self {
        Self::start_on(free_port()).await
    }

    async fn start_on(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--repl-diskless-sync-delay", "0"])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server on the PATH: run ./test, which installs it");
        let mut server = Self { child, port, folder };
        server.wait_ready().await;
        server
    }

    async fn wait_ready(&mut self) {
        let deadline = Instant::now() + READY_WITHIN;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(matches!(self.child.try_wait(), Ok(None)), "redis-server ended at once");
            assert!(Instant::now() < deadline, "redis-server does not answer");
            sleep(ASK_EVERY).await;
        }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A command in words, and its answer as text.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn say(&self, words: &[&str]) -> String {
        let redis = Redis::connect(&Settings::new(self.url())).await.expect("it answers");
        let (name, rest) = words.split_first().expect("a command has a name");
        let command = CustomCommand::new(name.to_string(), None::<u16>, false);
        let rest = rest.iter().map(|word| Value::from(*word)).collect::<Vec<_>>();
        let answer: Value = redis.commands().custom(command, rest).await.expect("it is allowed");
        answer.as_string().unwrap_or_default()
    }

    /// Becomes a replica, and returns when it has all that `master` has.
    pub async fn follow(&self, master: &Self) {
        self.say(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]).await;
        let deadline = Instant::now() + READY_WITHIN;
        while !self.say(&["INFO", "replication"]).await.contains("master_link_status:up") {
            assert!(Instant::now() < deadline, "the replica does not reach its master");
            sleep(ASK_EVERY).await;
        }
        let caught_up = master.say(&["WAIT", "1", &READY_WITHIN.as_millis().to_string()]).await;
        assert_eq!(caught_up, "1", "the replica lags");
    }

    /// Is a replica no longer, and takes writes.
    pub async fn promote(&self) {
        self.say(&["REPLICAOF", "NO", "ONE"]).await;
    }

    /// Stops answering, and keeps everything (SIGSTOP).
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Goes on after [`Server::pause`].
    pub async fn go_on(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([format!("-{name}"), pid]).status().await.expect("kill is everywhere");
        assert!(sent.success(), "{name} was not sent");
    }

    /// SIGKILL, and another one on the same port that knows nothing.
    #[must_use]
    pub async fn restart_empty(self) -> Self {
        let (port, mut child, folder) = (self.port, self.child, self.folder);
        child.kill().await.expect("it runs");
        drop(folder);
        Self::start_on(port).await
    }
}

/// A port that nobody listens on, below the range from which the kernel gives ports to outgoing connections: none of those,
/// and no client that looks for a server that was killed, takes it before the server does.
fn free_port() -> u16 {
    const LOW: u16 = 4_000;
    /// Each process begins at a place of its own, of so many …
    const PLACES: u32 = 700;
    /// … with so many ports between them.
    const APART: u16 = 10;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % PLACES) as u16 * APART;
    loop {
        let port = LOW + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % (PLACES as u16 * APART);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
