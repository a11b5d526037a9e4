//! Slow answers and failures, on purpose.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use parking_lot::Mutex;

use super::fault::Fault;
use crate::dice::Dice;
use crate::spec::Operation;

/// Adds so many milliseconds to the answer, in place of the setting.
const LATENCY: HeaderName = HeaderName::from_static("x-mock-latency-ms");
/// Fails with this chance, from 0 to 1, in place of the setting.
const FAIL_RATE: HeaderName = HeaderName::from_static("x-mock-fail-rate");
/// Longest wait that may be asked for.
pub const LATENCY_MS_MAX: u64 = 60_000;

/// The settings, and the dice for who fails.
#[derive(Debug)]
pub struct Chaos {
    latency_ms: u64,
    fail_rate: f64,
    dice: Mutex<Dice>,
}

impl Chaos {
    pub fn new(latency_ms: u64, fail_rate: f64, seed: u64) -> Self {
        Self { latency_ms, fail_rate, dice: Mutex::new(Dice::new(seed, "failures")) }
    }

    /// Waits, and fails if it is to fail.
    pub async fn suffer(&self, headers: &HeaderMap, operation: &Operation) -> Result<(), Fault> {
        let told = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        self.wait(told(&LATENCY).and_then(|it| it.parse().ok())).await;
        if self.fails(told(&FAIL_RATE).and_then(|it| it.parse().ok())) {
            let declared = operation.fault_of_status(StatusCode::SERVICE_UNAVAILABLE);
            return Err(declared.unwrap_or_else(|| {
                Fault::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "This failure was asked for.")
            }));
        }
        Ok(())
    }

    /// Takes as long as was asked for.
    pub async fn wait(&self, asked_ms: Option<u64>) {
        let wait_ms = asked_ms.unwrap_or(self.latency_ms).min(LATENCY_MS_MAX);
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    /// Whether this one is to fail.
    pub fn fails(&self, asked: Option<f64>) -> bool {
        let rate = asked.unwrap_or(self.fail_rate);
        rate > 0.0 && self.dice.lock().fraction() < rate
    }
}
