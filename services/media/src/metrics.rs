//! What operators see of media.

use std::sync::LazyLock;

use telemetry::{Counter, Histogram, LATENCY_BUCKETS_SECONDS, counter, histogram};

pub(crate) struct Metrics {
    pub(crate) received: Counter,
    pub(crate) ready: Counter,
    pub(crate) refused: Counter,
    pub(crate) failed: Counter,
    pub(crate) swept: Counter,
    pub(crate) seconds: Histogram,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    received: counter("plaza_media_received_bytes", "Bytes of uploads that were kept"),
    ready: counter("plaza_media_ready", "Files that were processed and can be shown"),
    refused: counter("plaza_media_refused", "Files that were refused"),
    failed: counter("plaza_media_attempts_failed", "Attempts at processing a file that failed"),
    swept: counter("plaza_media_swept", "Files that were deleted: given up, refused, or shown by nothing"),
    seconds: histogram("plaza_media_processing_seconds", "How long processing a file took", LATENCY_BUCKETS_SECONDS),
});
