//! What is seen of deliveries.

use std::sync::LazyLock;

use telemetry::{Counters, Gauges, Histograms, LATENCY_BUCKETS_SECONDS};

pub struct Metrics {
    pub waited: Histograms<1>,
    pub failed: Counters<1>,
    pub dead: Counters<1>,
    pub expired: Counters<1>,
    pub behind: Gauges<1>,
}

pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    waited: telemetry::histograms(
        "plaza_outbox_delivery_seconds",
        "From the writing of an outbox event until a consumer had taken it",
        LATENCY_BUCKETS_SECONDS,
    ),
    failed: telemetry::counters("plaza_outbox_failures_total", "Tries to deliver an outbox event that failed"),
    dead: telemetry::counters("plaza_outbox_dead_total", "Outbox events that were put aside after the last try"),
    expired: telemetry::counters(
        "plaza_outbox_expired_total",
        "Outbox events that were deleted although a consumer had not come to them, after seven days",
    ),
    behind: telemetry::gauges("plaza_outbox_behind_events", "Outbox events that a consumer has not come to yet"),
});

/// The label of a consumer.
pub const fn of(consumer: &'static str) -> [(&'static str, &'static str); 1] {
    [("consumer", consumer)]
}
