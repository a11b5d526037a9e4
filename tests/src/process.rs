//! Processes of our own: started, and ended by their id, whatever becomes of the test.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long a process may take to end when it was asked to.
const STOP_WITHIN: Duration = Duration::from_secs(40);

/// What to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub name: String,
    pub path: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(&'static str, String)>,
    /// Takes what it prints; appended to.
    pub log: PathBuf,
}

/// A running process. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Child,
}

impl Process {
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(program: Program) -> Self {
        let child =
            KEEPER.start(program.clone()).unwrap_or_else(|why| panic!("{} does not start: {why}", program.name));
        Self { program, child }
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process has ended already.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal)
            .unwrap_or_else(|why| panic!("{} cannot be sent {signal:?}: {why}", self.program.name));
    }

    /// Sends a signal to the process and to those that it has started, as far as they are there.
    pub fn signal_all(&self, signal: Signal) {
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        self.signal(signal);
        for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::from_raw) {
            // It may have ended since.
            let _ = kill_process(child, signal);
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the process to end, and waits until it has. Returns how.
    pub async fn stop(&mut self, politely: Signal) -> ExitStatus {
        self.signal(politely);
        let what = format!("{} ends on {politely:?}; log: {}", self.program.name, self.program.log.display());
        wait::until(&what, STOP_WITHIN, async || self.ended()).await
    }

    /// Ends the process as a lost machine would.
    ///
    /// # Panics
    /// When it had ended by itself before.
    pub async fn kill(&mut self) {
        let status = self.stop(Signal::KILL).await;
        assert_eq!(status.signal(), Some(9), "{} had ended before it was killed: {status}", self.program.name);
    }

    /// Waits until it has ended, after a signal that ends it.
    pub async fn gone(&mut self) {
        let what = format!("{} is gone", self.program.name);
        wait::until(&what, STOP_WITHIN, async || self.ended()).await;
    }

    /// Ends it without a runtime to wait in: politely, and by force if that takes too long.
    pub fn end(&mut self, politely: Signal) {
        const LOOKS: u32 = 200;
        let pause = Duration::from_millis(50);
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), politely);
        }
        for _ in 0..LOOKS {
            if self.ended().is_some() {
                return;
            }
            std::thread::park_timeout(pause);
        }
        // Nothing more can be done about a process that cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it has printed.
    #[must_use]
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.program.log).unwrap_or_default()
    }

    /// Waits until `is_ready` says so.
    ///
    /// # Panics
    /// When the process ends before, or the deadline passes.
    pub async fn ready(&mut self, deadline: Duration, mut is_ready: impl AsyncFnMut() -> bool) {
        let ready = wait::within(deadline, async || {
            assert!(self.ended().is_none(), "{} ended before it was ready:\n{}", self.program.name, self.printed());
            is_ready().await.then_some(())
        });
        if ready.await.is_none() {
            panic!("{} was not ready within {deadline:?}:\n{}", self.program.name, self.printed());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Signal::KILL);
    }
}

/// The one thread that starts processes. The kernel ends a process when *the thread that started it* ends, so that a
/// test run that is killed leaves nothing behind; the threads of tests end too early for that.
struct Keeper(Sender<(Program, Sender<io::Result<Child>>)>);

static KEEPER: LazyLock<Keeper> = LazyLock::new(|| {
    let (orders, orders_in) = mpsc::channel::<(Program, Sender<io::Result<Child>>)>();
    std::thread::spawn(move || {
        for (program, reply) in orders_in {
            // A test that no longer waits has failed already.
            let _ = reply.send(spawn(program));
        }
    });
    Keeper(orders)
});

impl Keeper {
    fn start(&self, program: Program) -> io::Result<Child> {
        let (reply, answer) = mpsc::channel();
        self.0.send((program, reply)).map_err(io::Error::other)?;
        answer.recv().map_err(io::Error::other)?
    }
}

fn spawn(program: Program) -> io::Result<Child> {
    let output = File::options().create(true).append(true).open(program.log)?;
    // setpriv becomes the program: the process id stays.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program.path).args(program.arguments);
    // Settings that whoever runs the tests happens to have are not for the processes under test.
    for (name, _) in std::env::vars_os() {
        let foreign = |prefix: &str| name.to_string_lossy().starts_with(prefix);
        if (foreign("PLAZA_") && name != "PLAZA_SERVERS") || foreign("OTEL_") {
            command.env_remove(name);
        }
    }
    command.envs(program.environment);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()
}
