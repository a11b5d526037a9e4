//! A server that an earlier Plaza left running, or a lock file that one left lying.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::{EmbeddedError, Progress};

const POLL: Duration = Duration::from_millis(20);
/// How to stop a postmaster, ever more firmly: what to send, and how long to wait for it. Fast, immediate, killed; each
/// keeps what was committed.
const STOPS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(5)),
];

/// Leaves no server running on `cluster`, and no lock file. The caller holds the folder's own lock, so that whatever is
/// running is not anybody's any more.
pub async fn clear(cluster: &Path, progress: &Progress) -> Result<(), EmbeddedError> {
    let file = cluster.join("postmaster.pid");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(EmbeddedError::io("reading a lock file", file)(error)),
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid
        && is_postmaster_of(pid, cluster).await
    {
        progress.say("Stopping the PostgreSQL that an earlier Plaza left running");
        stop(pid, cluster, progress).await?;
    }
    // The number of a dead server may be another program's by now, and PostgreSQL would take that for a server.
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EmbeddedError::io("removing a stale lock file", file)(error))
        }
        _ => Ok(()),
    }
}

async fn stop(pid: Pid, cluster: &Path, progress: &Progress) -> Result<(), EmbeddedError> {
    for (signal, patience) in STOPS {
        if let Err(error) = kill_process(pid, signal) {
            // Gone in this moment, or not ours to stop: the wait below tells.
            tracing::debug!(%error, "the PostgreSQL of before takes no signal");
        }
        let gone = async {
            while is_postmaster_of(pid, cluster).await {
                sleep(POLL).await;
            }
        };
        let state = || "Waiting for the PostgreSQL of before to stop".to_owned();
        if progress.during(state, timeout(patience, gone)).await.is_ok() {
            return Ok(());
        }
    }
    Err(EmbeddedError::Stubborn { pid: pid.as_raw_nonzero().get() })
}

/// Whether `pid` is alive and a postmaster of `cluster`, rather than a program that got the number since.
async fn is_postmaster_of(pid: Pid, cluster: &Path) -> bool {
    if test_kill_process(pid).is_err() {
        return false;
    }
    let number = pid.as_raw_nonzero();
    if Path::new("/proc/self").exists() {
        // A postmaster works in its data folder. A dead one that nobody has waited for works nowhere.
        let works_in = fs::read_link(format!("/proc/{number}/cwd")).ok();
        return works_in.is_some() && works_in == fs::canonicalize(cluster).ok();
    }
    let asked = Command::new("ps").args(["-o", "command=", "-p", &number.to_string()]).output().await;
    asked.is_ok_and(|answer| {
        let line = String::from_utf8_lossy(&answer.stdout).into_owned();
        line.contains("postgres") && line.contains(&*cluster.to_string_lossy())
    })
}
