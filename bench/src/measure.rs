//! What a run of load showed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Latencies in microseconds, up to a minute, to three digits.
pub struct Recorder {
    zero: Instant,
    delivered: AtomicU64,
    refused: AtomicU64,
    lost_connections: AtomicU64,
    latency: Mutex<Histogram<u64>>,
}

impl Recorder {
    #[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are sane");
        Self {
            zero: Instant::now(),
            delivered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            lost_connections: AtomicU64::new(0),
            latency: Mutex::new(latency),
        }
    }

    /// Microseconds since the recorder was made: the stamp that a payload carries.
    pub fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// One message, stamped `sent`, arrived at one connection.
    pub fn arrived(&self, sent: u64) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.latency.lock().expect("no panics hold it").saturating_record(self.now().saturating_sub(sent));
    }

    /// A send was answered with an error: it reaches nobody.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn lost_connection(&self) {
        self.lost_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Sends that were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub fn lost_connections(&self) -> u64 {
        self.lost_connections.load(Ordering::Relaxed)
    }

    pub fn quantile(&self, q: f64) -> Duration {
        Duration::from_micros(self.latency.lock().expect("no panics hold it").value_at_quantile(q))
    }

    /// Forgets what arrived so far, as after a warm-up.
    pub fn reset(&self) {
        self.delivered.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        self.latency.lock().expect("no panics hold it").reset();
    }
}

/// One run of one load on one server.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub delivered: u64,
    /// By the sends that were not refused.
    pub expected: u64,
    /// Sends that were refused.
    pub refused: u64,
    pub lost_connections: u64,
    pub cpu: Duration,
    pub wall: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

impl Outcome {
    pub fn cpu_us_per_delivery(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.delivered.max(1) as f64
    }

    pub fn deliveries_per_cpu_second(&self) -> f64 {
        self.delivered as f64 / self.cpu.as_secs_f64().max(1e-6)
    }

    pub fn rate(&self) -> f64 {
        self.delivered as f64 / self.wall.as_secs_f64().max(1e-6)
    }
}

/// The run in the middle, by CPU per delivery.
pub fn median(mut runs: Vec<Outcome>) -> Option<Outcome> {
    runs.sort_by(|a, b| a.cpu_us_per_delivery().total_cmp(&b.cpu_us_per_delivery()));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}
