//! What presence shows of itself.

use std::sync::LazyLock;

use telemetry::{Counter, Counters, Gauge};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::register);

pub(crate) struct Metrics {
    /// Connections of this node that have an entry.
    pub(crate) connections: Gauge,
    /// Label `kind`: `change` or `repeat`.
    pub(crate) signals: Counters<1>,
    pub(crate) signals_lost: Counter,
    pub(crate) watched: Counter,
    pub(crate) lapses: Counter,
    pub(crate) taken_over: Counter,
    pub(crate) last_seen_written: Counter,
}

impl Metrics {
    fn register() -> Self {
        use telemetry::{counter, counters_of, gauge};
        Self {
            connections: gauge("plaza_presence_connections", "Connections of this node whose person has presence."),
            signals: counters_of(
                "plaza_presence_signals_total",
                "Presence signals published, by kind.",
                "kind",
                &["change", "repeat"],
            ),
            signals_lost: counter("plaza_presence_signals_lost_total", "Presence signals that the bus did not take."),
            watched: counter("plaza_presence_watched_total", "People asked for by presence.watch."),
            lapses: counter(
                "plaza_presence_lapses_total",
                "Times that this node was taken for dead, or the store forgot.",
            ),
            taken_over: counter("plaza_presence_taken_over_total", "People who changed because their node died."),
            last_seen_written: counter("plaza_presence_last_seen_written_total", "Last-seen times written."),
        }
    }
}
