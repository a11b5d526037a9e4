//! Traces leave by OTLP, when the standard environment variables say where to.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Runtime;
use tracing::{Level, Metadata};

use crate::init::InitError;
use crate::metrics::{Counters, counters_of};

/// How long the last spans may take to leave when the process ends.
const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

/// Code that runs while spans are exported, or that would drown them: its spans and events stay out of traces.
const NOT_TRACED: [&str; 9] =
    ["opentelemetry", "tonic", "h2", "hyper", "tower", "rustls", "reqwest", "telemetry::export", "mio"];

static EXPORTED: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help = "Spans handed to the trace collector, by outcome (sent, lost)";
    counters_of("plaza_trace_spans_total", help, "outcome", &["sent", "lost"])
});

/// Shows the export's figures from now on: at zero they say that nothing is exported.
pub(crate) fn show_figures() {
    LazyLock::force(&EXPORTED);
}

/// Where traces go, as the environment has it. `None`: nowhere.
pub(crate) fn endpoint(variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>, InitError> {
    let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let off = get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || get("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    let endpoint = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| get("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let Some(endpoint) = endpoint.filter(|_| !off) else { return Ok(None) };
    let protocol = get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| get("OTEL_EXPORTER_OTLP_PROTOCOL"));
    match protocol {
        Some(protocol) if protocol != "grpc" => Err(InitError::Protocol(protocol)),
        _ => Ok(Some(endpoint)),
    }
}

/// Whether a span or event belongs in traces: spans down to `DEBUG`, events down to `INFO`.
pub(crate) fn is_traced(metadata: &Metadata<'_>) -> bool {
    let depth = if metadata.is_span() { Level::DEBUG } else { Level::INFO };
    let target = metadata.target();
    let transport = NOT_TRACED
        .iter()
        .any(|code| target.strip_prefix(code).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':', '-'])));
    *metadata.level() <= depth && !transport
}

/// The running export. It has a runtime of its own: a busy server does not delay spans, and waiting for the last of
/// them when the server stops cannot block the threads that would send them.
pub(crate) struct Export {
    provider: SdkTracerProvider,
    runtime: Option<Runtime>,
}

impl Export {
    pub(crate) fn start(endpoint: &str, node: &str) -> Result<Self, InitError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otlp")
            .enable_all()
            .build()
            .map_err(InitError::Runtime)?;
        let exporter = {
            // The channel starts its task on the runtime that it is built on.
            let _on = runtime.enter();
            OtlpExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .build()
                .map_err(|error| InitError::Exporter(error.to_string()))?
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(node))
            .with_batch_exporter(Counted { inner: exporter, failing: AtomicBool::new(false) })
            .build();
        Ok(Self { provider, runtime: Some(runtime) })
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("plaza")
    }

    /// Sends what waits. Blocks.
    pub(crate) fn flush(&self) {
        // The exporter has counted and logged what failed.
        let _ = self.provider.force_flush();
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let _ = self.provider.shutdown_with_timeout(SHUTDOWN_MAX);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who says this: Plaza, this version, this node; `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` have the last word.
fn resource(node: &str) -> Resource {
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("service.name", "plaza"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", if node.is_empty() { this_process() } else { node.to_owned() }),
        ])
        .with_detector(Box::new(EnvResourceDetector::new()));
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// The machine's name and the process's number.
fn this_process() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", machine.trim(), std::process::id())
}

/// Counts what leaves, and says once when the collector stops answering and once when it is back.
#[derive(Debug)]
struct Counted {
    inner: OtlpExporter,
    failing: AtomicBool,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        match &result {
            Ok(()) => {
                EXPORTED.get_or_create(&[("outcome", "sent")]).inc_by(spans);
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the trace collector answers again");
                }
            }
            Err(error) => {
                EXPORTED.get_or_create(&[("outcome", "lost")]).inc_by(spans);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the trace collector does not take spans; they are dropped until it does");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &'static [(&str, &str)]) -> Result<Option<String>, InitError> {
        endpoint(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_standard_variables_turn_traces_on_and_off() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        assert_eq!(from(&[]).unwrap(), None);
        assert_eq!(from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).unwrap(), None);
        assert_eq!(endpoint(|n| (n == general.0).then(|| general.1.into())).unwrap().unwrap(), general.1);
        let own = from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:4317"),
        ]);
        assert_eq!(own.unwrap().unwrap(), "http://b:4317");
        assert_eq!(from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_SDK_DISABLED", "True")]).unwrap(), None);
        assert_eq!(
            from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_TRACES_EXPORTER", "none")]).unwrap(),
            None
        );
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_refused_with_a_hint() {
        let http =
            from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
        let said = http.unwrap_err().to_string();
        assert!(said.contains("http/protobuf") && said.contains("4317"), "{said}");
    }
}
