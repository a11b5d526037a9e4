//! Plaza seen from outside: metrics for Prometheus, traces by OTLP, logs on standard output.
//!
//! | signal  | made with                                    | leaves by                                             |
//! |---------|----------------------------------------------|-------------------------------------------------------|
//! | metrics | [`counter`], [`gauges`], [`histograms`] …    | [`render`], served at `/metrics` as OpenMetrics text  |
//! | traces  | `tracing` spans, [`timed`], [`continue_trace`] | OTLP over gRPC, when an `OTEL_*` endpoint is set    |
//! | logs    | `tracing` events                             | standard output: JSON, or lines for a human           |
//!
//! ## Environment
//! - `PLAZA_LOG`, else `RUST_LOG`: which logs are written (`info` unless told), in `tracing`'s filter syntax.
//! - `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`: turns traces on. With them go the other
//!   standard variables: `…_HEADERS`, `…_TIMEOUT`, `…_PROTOCOL` (`grpc`), `OTEL_SERVICE_NAME`,
//!   `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and `_ARG`, `OTEL_BSP_*`, `OTEL_TRACES_EXPORTER=none`,
//!   `OTEL_SDK_DISABLED`.
//!
//! ## Decisions
//! - **Metrics are `prometheus-client`'s**, not OpenTelemetry's: a scrape costs nothing between scrapes, and the names
//!   in the code are the names in the dashboard. Each crate keeps its metrics in one struct behind a `LazyLock`, so that
//!   the first touch of any shows them all, at zero.
//! - **Nobody pays for traces that nobody reads.** Without an endpoint there is no OpenTelemetry layer. Spans that exist
//!   only for traces are `DEBUG` spans: the log filter refuses them once per call site, the exporter accepts them. Spans
//!   whose fields belong in logs (a request's id) are `INFO`.
//! - **The default sampler is the standard's, `parentbased_always_on`**, so that whoever sets an endpoint sees traces. A
//!   trace of one message is about six spans; a busy system sets `OTEL_TRACES_SAMPLER=parentbased_traceidratio` and
//!   `OTEL_TRACES_SAMPLER_ARG=0.05`. The queue to the exporter is bounded; when it is full, spans are dropped. A client's
//!   `traceparent` decides for its own request; set `traceidratio` where clients are not to be trusted with that.
//! - **No feedback loop.** The exporter has a runtime of its own, and whatever HTTP/2 or OpenTelemetry code says about
//!   itself is kept out of traces, at every level.
//! - **Only gRPC.** OTLP over HTTP would bring a second HTTP client; collectors listen for both, on 4317 and 4318. Asking
//!   for HTTP is refused with that hint rather than ignored.

mod export;
mod init;
mod logs;
mod metrics;
mod process;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;

pub use init::init;
pub use init::{Guard, InitError, Settings};
pub use logs::LogFormat;
pub use metrics::{CONTENT_TYPE, Counter, Counters, Gauge, Gauges, Histogram, Histograms, Labels};
pub use metrics::{COUNT_BUCKETS, LATENCY_BUCKETS_SECONDS};
pub use metrics::{counter, counters, counters_of, gauge, gauge_fn, gauges, histogram, histograms, registry, render};
pub use store::timed;
pub use trace::{TRACEPARENT, continue_trace, current_traceparent};
