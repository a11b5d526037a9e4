//! What operators see of search.

use std::sync::LazyLock;

use telemetry::{COUNT_BUCKETS, Counter, Histogram, counter, histogram};

pub(crate) struct Metrics {
    pub(crate) rounds: Histogram,
    pub(crate) dropped: Counter,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    rounds: histogram(
        "plaza_search_page_rounds",
        "Rounds of finding and loading that a page of search took",
        COUNT_BUCKETS,
    ),
    dropped: counter("plaza_search_hits_dropped", "Hits that their viewer was not shown, or that were gone"),
});
