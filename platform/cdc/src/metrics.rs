//! What is seen of the streams of this process.

use std::sync::LazyLock;

use telemetry::{Counters, Gauges, Histograms, LATENCY_BUCKETS_SECONDS};

pub struct Metrics {
    pub changes: Counters<1>,
    pub bytes: Counters<1>,
    pub batches: Counters<1>,
    pub delay: Histograms<1>,
    pub behind: Gauges<1>,
    pub kept: Gauges<1>,
    pub failures: Counters<1>,
    pub rebuilds: Counters<1>,
    pub reading: Gauges<1>,
    pub stopped: Gauges<1>,
}

pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    changes: telemetry::counters("plaza_cdc_changes_total", "Rows that the change stream told a consumer of"),
    bytes: telemetry::counters("plaza_cdc_bytes_total", "Bytes of changes that a consumer was told"),
    batches: telemetry::counters("plaza_cdc_batches_total", "Batches of changes that a consumer took"),
    delay: telemetry::histograms(
        "plaza_cdc_delay_seconds",
        "From a transaction's commit until a consumer had taken its changes",
        LATENCY_BUCKETS_SECONDS,
    ),
    behind: telemetry::gauges("plaza_cdc_behind_bytes", "Log that a consumer has not confirmed yet"),
    kept: telemetry::gauges("plaza_cdc_wal_kept_bytes", "Log that PostgreSQL keeps on disk for a consumer"),
    failures: telemetry::counters("plaza_cdc_failures_total", "Times that a stream broke and was begun again"),
    rebuilds: telemetry::counters("plaza_cdc_rebuilds_total", "Times that a consumer was told to build anew"),
    reading: telemetry::gauges("plaza_cdc_reading", "Whether this process is the one that reads the slot (1)"),
    stopped: telemetry::gauges("plaza_cdc_stopped", "Whether a consumer stopped because its slot was lost again (1)"),
});

/// The label of a consumer.
pub const fn of(name: &'static str) -> [(&'static str, &'static str); 1] {
    [("consumer", name)]
}
