//! A Redis of a test's own, to be killed.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

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
