use std::sync::LazyLock;

use telemetry::{Counter, Counters, Gauge, Gauges, Histogram};

/// From a commit at leisure to one that waits for a rebuilt index.
const SEARCHABLE_BUCKETS_SECONDS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0];

pub(crate) struct Metrics {
    pub searchable: Histogram,
    pub written: Counters<1>,
    pub refused: Counters<1>,
    pub unreadable: Counters<1>,
    pub changes: Counter,
    pub built: Counters<1>,
    pub building: Gauges<1>,
    pub committed_at: Gauge,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    searchable: telemetry::histogram(
        "plaza_search_searchable_seconds",
        "From the commit of a change until searches find it: one observation a batch, of its last commit",
        SEARCHABLE_BUCKETS_SECONDS,
    ),
    written: telemetry::counters(
        "plaza_search_documents_total",
        "Documents written into the search index or deleted there",
    ),
    refused: telemetry::counters("plaza_search_refused_total", "Documents that the engine refused, now dead letters"),
    unreadable: telemetry::counters(
        "plaza_search_unreadable_total",
        "Documents that could not be read, now dead letters",
    ),
    changes: telemetry::counter("plaza_search_changes_total", "Changed rows that the search index was told of"),
    built: telemetry::counters(
        "plaza_search_builds_total",
        "Generations of the search index that were built and swapped in",
    ),
    building: telemetry::gauges(
        "plaza_search_building_documents",
        "Documents in the generation that is being built; 0 when none is",
    ),
    committed_at: telemetry::gauge(
        "plaza_search_committed_at_seconds",
        "When the last change that searches find was committed, in seconds since 1970",
    ),
});
