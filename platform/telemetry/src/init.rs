//! Turns telemetry on, once, when the process starts.

use std::io::{self, IsTerminal as _};

use kernel::Clock;
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::export::{self, Export};
use crate::logs::{JsonLines, LogFormat};
use crate::{process, trace};

/// What is logged unless told otherwise. Drivers are quiet: what they say, the code that uses them says better.
const FILTER_DEFAULT: &str = "info,fred=warn,scylla=warn,sqlx=warn";

/// How Plaza talks about itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub format: LogFormat,
    /// Which logs are written; else `PLAZA_LOG`, else `RUST_LOG`, else `info`.
    pub filter: Option<String>,
    /// Where traces go (`http://host:4317`); else the standard `OTEL_*` variables say, else nowhere.
    pub otlp_endpoint: Option<String>,
    /// Names this process among its peers; else the machine's name and the process's number do.
    pub node: String,
}

/// Why telemetry could not start. The message is for whoever set the setting.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("log filter {0:?} is not understood: {1}")]
    Filter(String, String),
    #[error(
        "OTEL_EXPORTER_OTLP_PROTOCOL={0} is not spoken here: set it to grpc, and the endpoint to the collector's \
         gRPC port (4317, as a rule)"
    )]
    Protocol(String),
    #[error("traces cannot be exported: {0}")]
    Exporter(String),
    #[error("the trace exporter's thread did not start")]
    Runtime(#[source] io::Error),
    #[error("telemetry was turned on twice")]
    Twice,
}

/// Sends what is left when dropped. Keep it until the process ends.
#[must_use = "dropping the guard ends the export of traces"]
pub struct Guard {
    export: Option<Export>,
}

impl Guard {
    /// Sends the spans that wait. Blocks until the collector has them or the export timed out.
    pub fn flush(&self) {
        if let Some(export) = &self.export {
            export.flush();
        }
    }

    #[must_use]
    pub fn exports_traces(&self) -> bool {
        self.export.is_some()
    }
}

/// Turns on logs, and traces when an endpoint is set. Call it once, inside the runtime that is to be observed.
pub fn init(settings: &Settings) -> Result<Guard, InitError> {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        process::observe_runtime(runtime);
    }
    export::show_figures();
    let endpoint = match &settings.otlp_endpoint {
        Some(endpoint) => Some(endpoint.clone()),
        None => export::endpoint(|name| std::env::var(name).ok())?,
    };
    let export = endpoint.map(|endpoint| Export::start(&endpoint, &settings.node)).transpose()?;
    let traces = export.as_ref().map(|export| {
        trace::exporting();
        tracing_opentelemetry::layer()
            .with_tracer(export.tracer())
            .with_threads(false)
            .with_location(false)
            // Would read the clock at each poll of each span's future.
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(export::is_traced).with_max_level_hint(LevelFilter::DEBUG))
    });
    let subscriber = Registry::default().with(traces).with(logs(settings, io::stdout)?);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::Twice)?;
    Ok(Guard { export })
}

/// The layer that writes log lines.
pub(crate) fn logs<S, W>(settings: &Settings, writer: W) -> Result<Box<dyn Layer<S> + Send + Sync>, InitError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let text = settings
        .filter
        .clone()
        .or_else(|| std::env::var("PLAZA_LOG").ok())
        .or_else(|| std::env::var("RUST_LOG").ok())
        .filter(|text| !text.trim().is_empty())
        .unwrap_or_else(|| FILTER_DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&text).map_err(|error| InitError::Filter(text.clone(), error.to_string()))?;
    let human = match settings.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stdout().is_terminal(),
    };
    Ok(if human {
        tracing_subscriber::fmt::layer().compact().with_ansi(false).with_writer(writer).with_filter(filter).boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines { clock: Clock::system() })
            .with_writer(writer)
            .with_filter(filter)
            .boxed()
    })
}
