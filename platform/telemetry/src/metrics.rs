//! The process's metrics and their text form.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use parking_lot::{Mutex, RwLock};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::process::Process;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;

/// A metric's labels: name and value, both from the code. What users write never becomes a label.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];
pub type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
pub type Histograms<const N: usize> = Family<Labels<N>, Histogram, Buckets>;

/// The media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a script on a Redis next door to a write that will be given up.
pub const LATENCY_BUCKETS_SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// For how many there were of something: members reached, frames in a write.
pub const COUNT_BUCKETS: &[f64] = &[0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0];

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process::default()));
    registry.register_collector(Box::new(Readings));
    RwLock::new(registry)
});

/// The one registry of this process.
#[must_use]
pub fn registry() -> &'static RwLock<Registry> {
    &REGISTRY
}

/// All metrics as OpenMetrics text.
#[must_use]
pub fn render() -> String {
    let mut text = String::with_capacity(16 * 1024);
    // Writing to a `String` does not fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry().read());
    text
}

/// A counter. `name` is the name as it is scraped, so it ends in `_total`.
#[must_use]
pub fn counter(name: &'static str, help: &'static str) -> Counter {
    register(name, help, Counter::default())
}

#[must_use]
pub fn counters<const N: usize>(name: &'static str, help: &'static str) -> Counters<N> {
    register(name, help, Counters::default())
}

/// Counters told apart by one label whose values are known beforehand. All stand at zero from the start, so that the
/// first increase is seen as one, and dashboards find a line where nothing has happened yet.
#[must_use]
pub fn counters_of(
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: &[&'static str],
) -> Counters<1> {
    let family = counters(name, help);
    for value in values {
        drop(family.get_or_create(&[(label, *value)]));
    }
    family
}

/// A gauge that the code sets. See [`gauge_fn`] for one that is read when scraped.
#[must_use]
pub fn gauge(name: &'static str, help: &'static str) -> Gauge {
    register(name, help, Gauge::default())
}

#[must_use]
pub fn gauges<const N: usize>(name: &'static str, help: &'static str) -> Gauges<N> {
    register(name, help, Gauges::default())
}

/// A histogram. A duration's name ends in `_seconds`, a size's in `_bytes`.
#[must_use]
pub fn histogram(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Histogram {
    register(name, help, Buckets(buckets).new_metric())
}

#[must_use]
pub fn histograms<const N: usize>(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Histograms<N> {
    register(name, help, Histograms::new_with_constructor(Buckets(buckets)))
}

/// A gauge that is read when it is scraped. `None` leaves it out. A second one of the same name replaces the first.
pub fn gauge_fn(name: &'static str, help: &'static str, read: impl Fn() -> Option<f64> + Send + Sync + 'static) {
    READINGS.lock().insert(name, Reading { help, read: Box::new(read) });
    LazyLock::force(&REGISTRY);
}

/// Makes the histograms of a family.
#[derive(Debug, Clone, Copy)]
pub struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

fn register<M: Metric + Clone>(name: &'static str, help: &'static str, metric: M) -> M {
    // The encoder appends unit and `_total` by itself, and the full stop after the help.
    let (stem, unit) = split(name.strip_suffix("_total").unwrap_or(name));
    let help = help.trim_end_matches('.');
    let mut registry = registry().write();
    match unit {
        Some(unit) => registry.register_with_unit(stem, help, unit, metric.clone()),
        None => registry.register(stem, help, metric.clone()),
    }
    metric
}

fn split(name: &'static str) -> (&'static str, Option<Unit>) {
    if let Some(stem) = name.strip_suffix("_seconds") {
        (stem, Some(Unit::Seconds))
    } else if let Some(stem) = name.strip_suffix("_bytes") {
        (stem, Some(Unit::Bytes))
    } else {
        (name, None)
    }
}

struct Reading {
    help: &'static str,
    read: Box<dyn Fn() -> Option<f64> + Send + Sync>,
}

static READINGS: Mutex<BTreeMap<&'static str, Reading>> = Mutex::new(BTreeMap::new());

/// Encodes what [`gauge_fn`] was told to read.
#[derive(Debug)]
struct Readings;

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, reading) in READINGS.lock().iter() {
            if let Some(value) = (reading.read)() {
                gauge_value(&mut encoder, name, reading.help, value)?;
            }
        }
        Ok(())
    }
}

/// Encodes one value read just now.
pub(crate) fn gauge_value(
    encoder: &mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &str,
    value: f64,
) -> Result<(), fmt::Error> {
    let (stem, unit) = split(name);
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(stem, help, unit.as_ref(), gauge.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_code_names_is_what_is_scraped() {
        let sent = counters::<1>("test_frames_total", "Frames sent.");
        sent.get_or_create(&[("kind", "event")]).inc_by(3);
        let wait = histogram("test_wait_seconds", "How long it took.", LATENCY_BUCKETS_SECONDS);
        wait.observe(0.002);
        let size = gauge("test_queue_bytes", "Bytes waiting.");
        size.set(7);
        gauge_fn("test_pool_connections", "Connections open.", || Some(2.0));
        drop(counters_of("test_losses_total", "Things lost.", "how", &["dropped", "burnt"]));
        gauge_fn("test_gone", "Its owner is gone.", || None);

        let text = render();
        for line in [
            "# HELP test_frames Frames sent.",
            "test_frames_total{kind=\"event\"} 3",
            "# UNIT test_wait_seconds seconds",
            "test_wait_seconds_bucket{le=\"0.0025\"} 1",
            "test_wait_seconds_count 1",
            "test_losses_total{how=\"burnt\"} 0",
            "test_queue_bytes 7",
            "test_pool_connections 2.0",
        ] {
            assert!(text.lines().any(|l| l == line), "no line {line:?} in\n{text}");
        }
        assert!(!text.contains("test_gone"));
        assert!(text.ends_with("# EOF\n"));
    }
}
