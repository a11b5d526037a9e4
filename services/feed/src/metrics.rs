//! What operators see of feeds.

use std::sync::LazyLock;

use telemetry::{COUNT_BUCKETS, Counter, Histogram, LATENCY_BUCKETS_SECONDS, counter, histogram};

pub(crate) struct Metrics {
    pub(crate) rows: Counter,
    pub(crate) pulled: Counter,
    pub(crate) steps: Counter,
    pub(crate) steps_failed: Counter,
    pub(crate) visible_after: Histogram,
    pub(crate) page_rounds: Histogram,
    pub(crate) page_pulls: Histogram,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    rows: counter("plaza_feed_rows", "Timeline entries written by fan-out and backfill"),
    pulled: counter("plaza_feed_pulled", "Content that was left to be pulled by readers"),
    steps: counter("plaza_feed_steps", "Steps of work on timelines that were done"),
    steps_failed: counter("plaza_feed_steps_failed", "Steps of work on timelines that failed and will be tried again"),
    visible_after: histogram(
        "plaza_feed_visible_seconds",
        "From its creation until the last follower's timeline has it",
        LATENCY_BUCKETS_SECONDS,
    ),
    page_rounds: histogram(
        "plaza_feed_page_rounds",
        "Rounds of reading and filtering that a page of the following feed took",
        COUNT_BUCKETS,
    ),
    page_pulls: histogram(
        "plaza_feed_page_pulls",
        "Authors and kinds that a round of a page looked up because they may not have been pushed",
        COUNT_BUCKETS,
    ),
});
