//! What the process itself uses, read when scraped: memory, CPU, files, and how busy the runtime is.

use std::fmt;
use std::fs;
use std::sync::OnceLock;

use kernel::{Clock, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;
use tokio::runtime::Handle;

use crate::metrics::gauge_value;

/// Ticks a second in `/proc/self/stat`: part of Linux's interface to programs, the same on every machine.
const TICKS_PER_SECOND: f64 = 100.0;

static RUNTIME: OnceLock<Handle> = OnceLock::new();

/// Shows this runtime's figures from now on. The first call counts.
pub(crate) fn observe_runtime(runtime: Handle) {
    let _ = RUNTIME.set(runtime);
}

#[derive(Debug)]
pub(crate) struct Process {
    started: Timestamp,
}

impl Default for Process {
    fn default() -> Self {
        Self { started: Clock::system().now() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let up = Clock::system().now().since(self.started).as_secs_f64();
        gauge_value(&mut encoder, "plaza_uptime_seconds", "Time since the process started", up)?;
        if let Some(bytes) = resident_bytes() {
            gauge_value(&mut encoder, "process_resident_memory_bytes", "Memory of the process in RAM", bytes)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            gauge_value(&mut encoder, "process_open_fds", "Open files and sockets", files.count() as f64)?;
        }
        if let Some(seconds) = cpu_seconds() {
            counter_value(&mut encoder, "process_cpu", "CPU time used by the process", seconds)?;
        }
        if let Some(runtime) = RUNTIME.get() {
            encode_runtime(&mut encoder, runtime)?;
        }
        Ok(())
    }
}

fn encode_runtime(encoder: &mut DescriptorEncoder<'_>, runtime: &Handle) -> Result<(), fmt::Error> {
    let runtime = runtime.metrics();
    let workers = runtime.num_workers();
    let busy: f64 = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker).as_secs_f64()).sum();
    gauge_value(encoder, "plaza_runtime_workers", "Threads that run tasks", workers as f64)?;
    gauge_value(encoder, "plaza_runtime_tasks", "Tasks that are alive", runtime.num_alive_tasks() as f64)?;
    gauge_value(
        encoder,
        "plaza_runtime_queue_tasks",
        "Tasks that wait for a thread, in the queue that all threads share",
        runtime.global_queue_depth() as f64,
    )?;
    counter_value(encoder, "plaza_runtime_busy", "Time that the threads spent running tasks", busy)
}

fn counter_value(encoder: &mut DescriptorEncoder<'_>, stem: &str, help: &str, seconds: f64) -> Result<(), fmt::Error> {
    let counter = ConstCounter::new(seconds);
    counter.encode(encoder.encode_descriptor(stem, help, Some(&Unit::Seconds), counter.metric_type())?)
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets and may hold anything; utime and stime are the 14th and 15th.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_measured() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100_000.0));
        assert!(cpu_seconds().is_some_and(|seconds| (0.0..100_000.0).contains(&seconds)));
    }

    #[tokio::test]
    async fn the_runtime_is_shown_once_it_is_known() {
        observe_runtime(Handle::current());
        let text = crate::render();
        for name in [
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_cpu_seconds_total ",
            "plaza_uptime_seconds ",
            "plaza_runtime_workers ",
            "plaza_runtime_tasks ",
            "plaza_runtime_queue_tasks ",
            "plaza_runtime_busy_seconds_total ",
        ] {
            assert!(text.lines().any(|line| line.starts_with(name)), "no {name} in\n{text}");
        }
    }
}
