//! What operators see of engagement.

use std::sync::LazyLock;

use telemetry::{Counter, Counters, counter, counters_of};

use crate::kinds::What;

pub(crate) struct Metrics {
    changes: Counters<1>,
    pub(crate) impressions: Counter,
    pub(crate) forgotten: Counter,
}

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    changes: counters_of(
        "plaza_engagement_changes_total",
        "Reactions, saves, shares and comments that were made, changed or taken back",
        "what",
        &What::ALL.map(What::name),
    ),
    impressions: counter("plaza_engagement_impressions_total", "Impressions that were kept"),
    forgotten: counter("plaza_engagement_forgotten_total", "Rows that were removed because their content was gone"),
});

impl Metrics {
    pub(crate) fn changed(&self, what: What) {
        self.changes.get_or_create(&[("what", what.name())]).inc();
    }
}
