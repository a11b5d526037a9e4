//! A server process under test: start it, read what it costs, stop it.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Longest wait for a server to stop by itself.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Time that the machine's processors have been busy so far, whoever with.
pub fn machine_cpu() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal (what other machines took, which is none of ours).
    let all = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = all.map_while(|text| text.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6].into_iter().filter_map(|place: usize| ticks.get(place)).sum::<u64>();
    Ok(Duration::from_micros(busy * 1_000_000 / rustix::param::clock_ticks_per_second()))
}

pub struct Server {
    child: Child,
    pid: rustix::process::Pid,
}

impl Server {
    /// Starts this very program as the floor and returns it with its port.
    pub async fn floor() -> io::Result<(Self, u16)> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output of the floor"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let port = line.trim().parse().map_err(|_| io::Error::other(format!("the floor said {line:?}")))?;
        Ok((Self::of(child)?, port))
    }

    /// Starts `program` with its output in `log`.
    pub fn spawn(program: &Path, args: &[&str], environment: &[(&str, String)], log: &Path) -> io::Result<Self> {
        let out = std::fs::File::create(log)?;
        let child = Command::new(program)
            .args(args)
            .envs(environment.iter().map(|(key, value)| (*key, value.as_str())))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()?;
        Self::of(child)
    }

    fn of(child: Child) -> io::Result<Self> {
        let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child, pid: pid.ok_or_else(|| io::Error::other("the server has ended already"))? })
    }

    /// User and system time so far, of this process alone.
    pub fn cpu(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero()))?;
        // The name in parentheses may hold spaces: count fields from behind it (proc(5): utime is the 14th, stime the 15th).
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_micros((ticks(11) + ticks(12)) * 1_000_000 / per_second))
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_nonzero()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.ok_or_else(|| io::Error::other("no VmRSS"))? * 1024)
    }

    /// Whether the process still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, and SIGKILL when that does not help in time.
    pub async fn stop(mut self) -> io::Result<()> {
        // It may have ended by itself, and then there is nothing to signal.
        let _gone = rustix::process::kill_process(self.pid, rustix::process::Signal::TERM);
        if tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}
