//! Stores of our own, for tests that stop, pause or empty them: the same scripts that `./test` uses.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::process::{Process, Program};

/// Cassandra and OpenSearch take 5 s on an idle machine; a busy one is slower.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// One server: which, where its data is, and its process while it runs.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    folder: PathBuf,
    pub port: u16,
    more: Vec<String>,
    process: Process,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Redis,
    Cassandra,
    OpenSearch,
}

impl Server {
    /// Starts a server on a port of its own, its data and log below `home`.
    pub async fn start(kind: Kind, home: &Path) -> Self {
        let (name, more) = match kind {
            // What is tested here is what survives a stop: written means on disk.
            Kind::Postgres => ("postgres", vec!["-c".to_owned(), "fsync=on".to_owned()]),
            Kind::Redis => ("redis", Vec::new()),
            Kind::Cassandra => ("cassandra", vec![free_ports(2).to_string()]),
            Kind::OpenSearch => ("opensearch", Vec::new()),
        };
        let (folder, port) = (home.join(name), free_ports(1));
        let process = Process::start(program(kind, &folder, port, &more));
        let mut server = Self { kind, folder, port, more, process };
        server.ready().await;
        server
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How Plaza is told of it.
    #[must_use]
    pub fn setting(&self) -> (&'static str, String) {
        let port = self.port;
        match self.kind {
            Kind::Postgres => ("PLAZA_POSTGRES_URL", format!("postgres://postgres:postgres@127.0.0.1:{port}/postgres")),
            Kind::Redis => ("PLAZA_REDIS_URL", format!("redis://127.0.0.1:{port}")),
            Kind::Cassandra => ("PLAZA_CASSANDRA_NODES", format!("127.0.0.1:{port}")),
            Kind::OpenSearch => ("PLAZA_OPENSEARCH_URL", format!("http://127.0.0.1:{port}")),
        }
    }

    /// Ends it as a crash would.
    pub async fn kill(&mut self) {
        self.process.signal_all(Signal::KILL);
        self.process.gone().await;
    }

    /// Ends it as an administrator would, clients or not.
    pub async fn stop(&mut self) {
        self.process.stop(Signal::INT).await;
    }

    /// Freezes it: connections stay open, nothing answers.
    pub fn pause(&self) {
        self.process.signal_all(Signal::STOP);
    }

    pub fn resume(&self) {
        self.process.signal_all(Signal::CONT);
    }

    /// Starts it again after its end: on the same port, with what it has kept (Redis: nothing).
    pub async fn restart(&mut self) {
        self.process = Process::start(program(self.kind, &self.folder, self.port, &self.more));
        self.ready().await;
    }

    async fn ready(&mut self) {
        let (kind, port, pid_file) = (self.kind, self.port, self.folder.join("db/postmaster.pid"));
        let own = self.process.id().to_string();
        self.process
            .ready(READY_WITHIN, async || match kind {
                Kind::Postgres => std::fs::read_to_string(&pid_file).is_ok_and(|text| is_ready(&text, &own)),
                Kind::Redis => answers(port, b"PING\r\n", b"+PONG").await,
                // An OPTIONS request of protocol version 4; a SUPPORTED answer.
                Kind::Cassandra => answers(port, &[4, 0, 0, 0, 5, 0, 0, 0, 0], &[0x84, 0, 0, 0, 6]).await,
                // Once every index that it had before is back, it says so with a 200; until then with a 408.
                Kind::OpenSearch => answers(port, RECOVERED, b"HTTP/1.0 200").await,
            })
            .await;
    }
}

/// What PostgreSQL's file of its process says. One that was killed leaves its file behind, which says ready for ever.
fn is_ready(pid_file: &str, own: &str) -> bool {
    let mut lines = pid_file.lines().map(str::trim);
    lines.next() == Some(own) && lines.nth(6) == Some("ready")
}

fn program(kind: Kind, folder: &Path, port: u16, more: &[String]) -> Program {
    let name = match kind {
        Kind::Postgres => "postgres",
        Kind::Redis => "redis",
        Kind::Cassandra => "cassandra",
        Kind::OpenSearch => "opensearch",
    };
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/servers")).join(format!("run-{name}"));
    let mut arguments = vec![folder.into(), port.to_string().into()];
    arguments.extend(more.iter().map(Into::into));
    Program { name: name.to_owned(), path, arguments, environment: Vec::new(), log: folder.with_extension("log") }
}

const RECOVERED: &[u8] = b"GET /_cluster/health?wait_for_status=yellow&timeout=1s HTTP/1.0\r\n\r\n";

/// Whether a server begins its answer to `question` with `wanted`.
async fn answers(port: u16, question: &[u8], wanted: &[u8]) -> bool {
    let ask = async {
        let mut link = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        link.write_all(question).await.ok()?;
        let mut answer = vec![0; wanted.len()];
        link.read_exact(&mut answer).await.ok()?;
        Some(answer == wanted)
    };
    timeout(Duration::from_secs(2), ask).await.ok().flatten().unwrap_or(false)
}

/// The first of `count` neighbouring ports that nobody listens on, below the range from which the kernel gives ports to
/// outgoing connections: none of those will take it before the server does.
#[must_use]
pub fn free_ports(count: u16) -> u16 {
    const LOW: u16 = 12_000;
    const HIGH: u16 = 19_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs side by side start at different places.
    let start = (std::process::id() % 500) as u16 * 10;
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        let offset = NEXT.fetch_add(count, Ordering::Relaxed);
        let port = LOW + (start + offset) % (HIGH - LOW - count);
        if (port..port + count).all(is_free) {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_given_out_once() {
        let (first, second) = (free_ports(2), free_ports(1));
        assert!(second > first + 1 || second < first, "{first} {second}");
    }

    #[test]
    fn a_killed_postgres_is_not_taken_for_the_one_that_follows_it() {
        let file = |pid, status| format!("{pid}\n/data\n1800000000\n5432\n\n127.0.0.1\n  1 2\n{status}   \n");
        assert!(is_ready(&file(42, "ready"), "42"));
        assert!(!is_ready(&file(42, "starting"), "42"));
        assert!(!is_ready(&file(41, "ready"), "42"));
        assert!(!is_ready("42\n", "42"));
    }
}
