//! Stopping a node without a storm.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt as _;
use schemas::socket::{Reconnect, ReconnectReason};
use tokio::time::{Instant, sleep, sleep_until};

use crate::Gateway;
use crate::close::Close;
use crate::frame;
use crate::queue::Class;

/// How often closing is checked to have happened.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Gateway {
    /// Admits nobody any more, tells every client when to come back elsewhere, each at a time of its own, and closes those
    /// that have not gone by then. Returns when all are gone, or after `drain_within` and the time for closing.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        let start = Instant::now();
        let within = self.limits.drain_within;
        let mut leaving: Vec<_> = self
            .everyone()
            .into_iter()
            .map(|outlet| (within.mul_f64(rand::rng().random_range(0.0..1.0)), outlet))
            .collect();
        leaving.sort_by_key(|(after, _)| *after);
        for (after, outlet) in &leaving {
            let after_ms = after.as_millis() as u64;
            let advice = Reconnect { after_ms, reason: ReconnectReason::GoingAway };
            outlet.push(Class::Control, frame::json(&advice));
        }
        for (after, outlet) in leaving {
            sleep_until(start + after).await;
            outlet.close(Close::GoingAway);
        }
        let deadline = start + within + self.limits.close_within;
        while self.connections() > 0 && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
        }
    }
}
