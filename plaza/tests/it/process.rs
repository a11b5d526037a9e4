//! A Plaza process, and the folder that it keeps its data in.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

pub const DEADLINE: Duration = Duration::from_secs(90);

/// A folder for data, which the user that PostgreSQL runs as can reach even when the tests run as root.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn postmaster_file(&self) -> PathBuf {
        self.data().join("postgres/cluster/postmaster.pid")
    }
}

/// `plaza` with these arguments, in an environment without settings.
pub fn plaza(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PLAZA_")) {
        command.env_remove(name);
    }
    command.args(arguments).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Away from any plaza.toml.
    command.current_dir("/");
    command
}

/// What a command that ends by itself said, and its exit code.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub async fn run(mut command: Command) -> Ended {
    let output = timeout(DEADLINE, command.output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A Plaza that serves.
pub struct Running {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    /// `http://127.0.0.1:…`
    pub url: String,
    /// Where `/metrics` is, if not there.
    pub figures: Option<String>,
}

impl Running {
    /// `plaza up` on a free port with `folder` for its data.
    pub async fn start(folder: &Folder) -> Self {
        let data = folder.data();
        Self::spawn(plaza(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()])).await
    }

    pub async fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        // Logs are not looked at, but must go somewhere.
        let mut stdout = child.stdout.take().unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await });
        let up = async {
            let (mut said, mut url) = (Vec::new(), None);
            while let Some(line) = stderr.next_line().await.unwrap() {
                if let Some(rest) = line.trim().strip_prefix("REST ") {
                    url = Some(rest.trim().trim_end_matches("/v1").to_owned());
                }
                if let (Some(url), Some(health)) = (&url, line.trim().strip_prefix("Health ")) {
                    let figures = health.rsplit(", ").next().filter(|last| last.starts_with("http://"));
                    return (url.clone(), figures.map(str::to_owned));
                }
                said.push(line);
            }
            panic!("it ended: {}", said.join("\n"));
        };
        let (url, figures) = timeout(DEADLINE, up).await.expect("it comes up in time");
        Self { child, stderr, url, figures }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Its exit code (none when a signal ended it), and what else it said.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let ended = async {
            let mut said = String::new();
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                said.push_str(&line);
                said.push('\n');
            }
            (self.child.wait().await.unwrap().code(), said)
        };
        timeout(DEADLINE, ended).await.expect("it ends in time")
    }

    pub async fn stop(self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        self.end().await
    }

    pub async fn kill(self) {
        self.signal(Signal::KILL);
        assert_eq!(self.end().await.0, None);
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = client().get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn register(&self, handle: &str) -> u16 {
        let body = json!({ "handle": handle, "name": handle, "password": PASSWORD });
        let answer = client().post(format!("{}/v1/accounts", self.url)).json(&body).send().await.unwrap();
        answer.status().as_u16()
    }

    pub async fn log_in(&self, handle: &str) -> (u16, Value) {
        let body = json!({ "handle": handle, "password": PASSWORD });
        let answer = client().post(format!("{}/v1/sessions", self.url)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

const PASSWORD: &str = "moth in relay seventy";

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(DEADLINE).build().unwrap()
}

/// How often a condition is looked at.
/// Seldom enough that who looks for a minute is not told to ask less often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, async || condition().then_some(())).await;
}

/// Waits until `look` finds what it looks for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut again = tokio::time::interval(LOOK_EVERY);
    let wait = async {
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}
