//! What operators see of the ranked feed.

use std::sync::LazyLock;

use telemetry::{COUNT_BUCKETS, Counter, Gauge, Histogram, counter, gauge, histogram};

pub struct Metrics {
    pub stages_failed: Counter,
    pub candidates: Histogram,
    pub shadow_agrees: Histogram,
    pub examples: Counter,
    pub version: Gauge,
}

pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    stages_failed: counter("plaza_feed_stages_failed", "Stages of ranked pages that failed or were late"),
    candidates: histogram("plaza_feed_candidates", "Candidates of a ranked page", COUNT_BUCKETS),
    shadow_agrees: histogram(
        "plaza_feed_shadow_agrees",
        "Of a page's first twenty, how many the model that does not serve would have shown as well",
        COUNT_BUCKETS,
    ),
    examples: counter("plaza_feed_examples", "Served items that were learned from"),
    version: gauge("plaza_feed_model_version", "The version of the model by which pages are ranked, 0 by hand"),
});
