//! How long stores take.

use std::sync::LazyLock;
use std::time::Instant;

use tracing::Instrument as _;

use crate::metrics::{Histograms, LATENCY_BUCKETS_SECONDS, histograms};

static LATENCY: LazyLock<Histograms<3>> = LazyLock::new(|| {
    histograms(
        "plaza_store_operation_seconds",
        "How long store operations took, by store, operation and outcome (ok, error, or cancelled by the caller)",
        LATENCY_BUCKETS_SECONDS,
    )
});

/// Runs a store operation inside a span and notes how long it took and how it ended.
///
/// `store` is `postgres`, `redis`, `cassandra` …; `operation` says what for: `chat.append`.
pub async fn timed<T, E>(
    store: &'static str,
    operation: &'static str,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = tracing::debug_span!(
        "store",
        otel.name = operation,
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        db.system.name = store,
        db.operation.name = operation,
    );
    let mut watch = Watch::start(store, operation);
    let result = future.instrument(span.clone()).await;
    match &result {
        Ok(_) => watch.outcome = "ok",
        Err(_) => {
            watch.outcome = "error";
            span.record("otel.status_code", "ERROR");
        }
    }
    result
}

/// Observes when dropped, so that an operation whose caller went away is seen too.
struct Watch {
    store: &'static str,
    operation: &'static str,
    outcome: &'static str,
    started: Instant,
}

impl Watch {
    fn start(store: &'static str, operation: &'static str) -> Self {
        Self { store, operation, outcome: "cancelled", started: Instant::now() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let labels = [("store", self.store), ("operation", self.operation), ("outcome", self.outcome)];
        LATENCY.get_or_create(&labels).observe(self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted_once(outcome: &str) -> bool {
        let labels = format!("{{store=\"test\",operation=\"test.timed\",outcome=\"{outcome}\"}}");
        crate::render().contains(&format!("plaza_store_operation_seconds_count{labels} 1\n"))
    }

    #[tokio::test]
    async fn every_end_of_an_operation_is_counted() {
        assert_eq!(timed("test", "test.timed", async { Ok::<_, ()>(1) }).await, Ok(1));
        assert_eq!(timed("test", "test.timed", async { Err::<(), _>(2) }).await, Err(2));
        let never = timed("test", "test.timed", std::future::pending::<Result<(), ()>>());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), never).await.is_err());
        assert!(counted_once("ok") && counted_once("error") && counted_once("cancelled"));
    }
}
