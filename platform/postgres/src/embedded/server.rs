//! The running server: our child, watched, restarted when it dies, stopped when we stop.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kernel::Secret;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::cluster::{Address, Layout, ROLE};
use super::{Account, EmbeddedError, Options, Programs, Progress, leftover};
use crate::fault;

const POLL: Duration = Duration::from_millis(20);
/// Longest time for a start, crash recovery included.
const START_MAX: Duration = Duration::from_secs(15 * 60);
/// Waits between tries when the processes of a killed server are still about to end.
const BUSY_TRIES: u32 = 100;
const BUSY_WAIT: Duration = Duration::from_millis(100);
/// Wait before a server that died is started again; doubles up to the maximum while it keeps dying.
const RESTART_FIRST: Duration = Duration::from_millis(200);
const RESTART_MAX: Duration = Duration::from_secs(10);
/// Longest time for a fast stop, and then for an immediate one.
const FAST_STOP_MAX: Duration = Duration::from_secs(15);
const IMMEDIATE_STOP_MAX: Duration = Duration::from_secs(5);
/// Bytes of the log that are looked at when a start fails.
const LAST_WORDS_MAX: u64 = 16 << 10;

/// Ends when Plaza does, because that closes its standard input; then it stops the server, if that still runs.
const GUARD: &str = "while read -r _; do :; done; kill -INT \"$1\" 2>/dev/null";

/// A PostgreSQL that runs as long as this does.
#[derive(Debug)]
pub struct Server {
    url: Secret,
    programs: Programs,
    created: bool,
    stop: CancellationToken,
    watch: JoinHandle<()>,
}

/// What it takes to start the server, and to start it again.
#[derive(Debug)]
struct Recipe {
    layout: Layout,
    programs: Programs,
    account: Account,
    address: Address,
}

/// A server process and its guard.
struct Running {
    postmaster: Child,
    guard: Option<Guard>,
}

struct Guard {
    process: Child,
    /// Held open; it closes when we die.
    _input: Option<ChildStdin>,
}

impl Server {
    /// Starts the server whose things lie in `folder`, after creating what is missing. The caller sees to it that nobody
    /// else does so at the same time.
    pub async fn start(folder: &Path, options: &Options, progress: &Progress) -> Result<Self, EmbeddedError> {
        let layout = Layout { folder: folder.to_owned() };
        let account = Account::choose(&layout.cluster(), options.user.as_deref())?;
        layout.prepare(&account).await?;
        let made_by = layout.made_by()?;
        let programs = Programs::choose(folder, made_by, &account, options, progress).await?;
        if made_by.is_none() {
            layout.init(&programs, &account, progress).await?;
        }
        leftover::clear(&layout.cluster(), progress).await?;
        let address = layout.address()?;
        let recipe = Arc::new(Recipe { layout, programs: programs.clone(), account, address });
        let running = recipe.start(progress).await?;

        let stop = CancellationToken::new();
        let url = recipe.layout.url(&recipe.address, ROLE)?;
        let admin = recipe.layout.url(&recipe.address, "postgres")?;
        let watch = tokio::spawn(watch(recipe, running, stop.clone()));
        let server = Self { url, programs, created: made_by.is_none(), stop, watch };
        match create_database(&admin).await {
            Ok(()) => Ok(server),
            Err(error) => {
                server.stop().await;
                Err(EmbeddedError::Store(fault(error)))
            }
        }
    }

    /// Where to connect to.
    #[must_use]
    pub const fn url(&self) -> &Secret {
        &self.url
    }

    #[must_use]
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Whether the cluster was made by this start.
    #[must_use]
    pub const fn created(&self) -> bool {
        self.created
    }

    /// Stops the server: connections are cut, transactions in hand rolled back, everything committed is on disk.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.watch.await {
            tracing::error!(%error, "the watch over the embedded PostgreSQL ended badly");
        }
    }
}

async fn create_database(admin: &Secret) -> Result<(), sqlx::Error> {
    let options: sqlx::postgres::PgConnectOptions = admin.expose().parse()?;
    let mut connection = options.connect().await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(ROLE)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        connection.execute("CREATE DATABASE plaza").await?;
    }
    connection.close().await
}

/// Keeps the server running until `stop`.
async fn watch(recipe: Arc<Recipe>, mut running: Running, stop: CancellationToken) {
    let mut wait = RESTART_FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return running.stop().await,
            ended = running.postmaster.wait() => {
                let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                tracing::error!(status, "the embedded PostgreSQL ended by itself; starting it again");
            }
        }
        running.dismiss_guard().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
            }
            wait = (wait * 2).min(RESTART_MAX);
            match recipe.start(&Progress::silent()).await {
                Ok(again) => {
                    running = again;
                    wait = RESTART_FIRST;
                    tracing::info!("the embedded PostgreSQL is back");
                    break;
                }
                Err(error) => tracing::error!(%error, "the embedded PostgreSQL does not start; trying again"),
            }
        }
    }
}

impl Recipe {
    /// Starts the server and waits until it takes connections.
    async fn start(&self, progress: &Progress) -> Result<Running, EmbeddedError> {
        for _ in 0..BUSY_TRIES {
            match self.try_start(progress).await {
                // The children of a killed postmaster notice by themselves, and soon.
                Err(EmbeddedError::Failed { words, .. }) if words.contains("is still in use") => {
                    sleep(BUSY_WAIT).await;
                }
                done => return done,
            }
        }
        self.try_start(progress).await
    }

    async fn try_start(&self, progress: &Progress) -> Result<Running, EmbeddedError> {
        let log = self.layout.open_log()?;
        let log_start = log.metadata().map_or(0, |found| found.len());
        let also = log.try_clone().map_err(EmbeddedError::io("opening the log", self.layout.log()))?;
        let program = self.programs.bin.join("postgres");
        let mut command = self.account.command(&program);
        command.args(self.layout.arguments(&self.address)).stdout(log).stderr(also);
        let mut postmaster = command.spawn().map_err(EmbeddedError::io("starting", program))?;
        let guard = self.guard(&postmaster);

        let ready = self.wait_until_ready(&mut postmaster);
        let state = || "Starting PostgreSQL (it replays its log if it was killed)".to_owned();
        let ready = progress.during(state, timeout(START_MAX, ready)).await;
        let running = Running { postmaster, guard };
        match ready {
            Ok(true) => Ok(running),
            Ok(false) => {
                let mut running = running;
                running.dismiss_guard().await;
                Err(self.layout.failure("PostgreSQL's start", &self.words_since(log_start)))
            }
            Err(_) => {
                running.stop().await;
                Err(self.layout.failure("PostgreSQL's start (it took too long)", &self.words_since(log_start)))
            }
        }
    }

    /// True when it takes connections, false when it has ended.
    async fn wait_until_ready(&self, postmaster: &mut Child) -> bool {
        let pid = postmaster.id().map(|id| id.to_string());
        let file = self.layout.cluster().join("postmaster.pid");
        loop {
            if postmaster.try_wait().ok().flatten().is_some() {
                return false;
            }
            let text = fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines();
            // The first line is the process, the eighth how far it is.
            if lines.next() == pid.as_deref() && lines.nth(6).is_some_and(|state| state.trim() == "ready") {
                return true;
            }
            sleep(POLL).await;
        }
    }

    fn guard(&self, postmaster: &Child) -> Option<Guard> {
        let pid = postmaster.id()?.to_string();
        let mut command = self.account.command("/bin/sh".as_ref());
        command.args(["-c", GUARD, "plaza-guard", &pid]).stdin(Stdio::piped());
        match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(mut process) => {
                let input = process.stdin.take();
                Some(Guard { process, _input: input })
            }
            Err(error) => {
                tracing::debug!(%error, "no guard: after a kill of Plaza, PostgreSQL runs on until the next start");
                None
            }
        }
    }

    fn words_since(&self, start: u64) -> String {
        let read = || {
            let mut file = fs::File::open(self.layout.log())?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(start.max(end.saturating_sub(LAST_WORDS_MAX))))?;
            let mut words = Vec::new();
            file.read_to_end(&mut words)?;
            std::io::Result::Ok(String::from_utf8_lossy(&words).into_owned())
        };
        read().unwrap_or_else(|error| error.to_string())
    }
}

impl Running {
    async fn stop(mut self) {
        for (signal, patience) in [(Signal::INT, FAST_STOP_MAX), (Signal::QUIT, IMMEDIATE_STOP_MAX)] {
            let pid = self.postmaster.id().and_then(|id| Pid::from_raw(id.cast_signed()));
            if let Some(pid) = pid
                && let Err(error) = kill_process(pid, signal)
            {
                tracing::debug!(%error, "the embedded PostgreSQL was gone already");
            }
            if timeout(patience, self.postmaster.wait()).await.is_ok() {
                return self.dismiss_guard().await;
            }
            tracing::warn!("the embedded PostgreSQL takes long to stop");
        }
        drop(self.postmaster.kill().await);
        self.dismiss_guard().await;
    }

    /// Ends the guard before its input closes: the number that it would kill is nobody's any more.
    async fn dismiss_guard(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.process.kill().await);
        }
    }
}
