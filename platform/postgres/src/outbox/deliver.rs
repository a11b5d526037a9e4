//! One event, handed to one consumer.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use kernel::Clock;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::metrics::{METRICS, of};
use super::{Consumer, Delivery};

/// Longest time that a consumer may take for one event.
const CONSUME_MAX: Duration = Duration::from_secs(30);
/// Characters of an error that are kept.
const ERROR_LENGTH_MAX: usize = 2_000;

/// Hands out several at once. What failed is not counted: each is delivered by itself after that.
pub async fn deliver_all(consumer: &dyn Consumer, events: &[&Delivery], clock: &Clock) -> Result<(), String> {
    let span = tracing::debug_span!("outbox", otel.kind = "consumer", events = events.len());
    let consumed = AssertUnwindSafe(consumer.consume_all(events)).catch_unwind().instrument(span);
    match timeout(CONSUME_MAX, consumed).await {
        Ok(Ok(Ok(()))) => {
            let (waited, now) = (METRICS.waited.get_or_create(&of(consumer.name())), clock.now());
            events.iter().for_each(|event| waited.observe(now.since(event.created_at).as_secs_f64()));
            Ok(())
        }
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_)) => Err("they panicked".to_owned()),
        Err(_) => Err(format!("they took longer than {CONSUME_MAX:?}")),
    }
}

/// Hands out within the trace of whoever wrote the event. The error is as it is kept.
pub async fn deliver(consumer: &dyn Consumer, event: &Delivery, clock: &Clock) -> Result<(), String> {
    let span = tracing::debug_span!("outbox", otel.name = %event.kind, otel.kind = "consumer", event = %event.id);
    telemetry::continue_trace(&span, event.trace.as_deref());
    // One that panics must not take the delivery of everything else with it.
    let consumed = AssertUnwindSafe(consumer.consume(event)).catch_unwind().instrument(span);
    let error = match timeout(CONSUME_MAX, consumed).await {
        Ok(Ok(Ok(()))) => {
            let waited = clock.now().since(event.created_at).as_secs_f64();
            METRICS.waited.get_or_create(&of(consumer.name())).observe(waited);
            return Ok(());
        }
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(_)) => "it panicked".to_owned(),
        Err(_) => format!("it took longer than {CONSUME_MAX:?}"),
    };
    METRICS.failed.get_or_create(&of(consumer.name())).inc();
    Err(error.chars().take(ERROR_LENGTH_MAX).collect())
}
