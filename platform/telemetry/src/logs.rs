//! Log lines: one JSON object each, with the request's and the trace's ids.

use std::fmt;

use kernel::Clock;
use opentelemetry::trace::TraceContextExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For a human when standard output is a terminal, JSON otherwise.
    #[default]
    Auto,
    Human,
    Json,
}

/// Writes an event as `{"time":…,"level":…,"message":…,"target":…,"trace_id":…,"span_id":…, fields…}`. Fields of the
/// spans around it join its own; the nearest wins.
pub(crate) struct JsonLines {
    pub(crate) clock: Clock,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in ctx.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(text) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
            let Ok(Value::Object(outer)) = serde_json::from_str(text) else { continue };
            for (name, value) in outer.into_iter().filter(|(name, _)| !name.starts_with("otel.")) {
                fields.others.entry(name).or_insert(value);
            }
        }

        let mut line = Line::new(writer.by_ref());
        line.member("time", &self.clock.now())?;
        line.member("level", event.metadata().level().as_str())?;
        line.member("message", &fields.message)?;
        line.member("target", event.metadata().target())?;
        let context = opentelemetry::Context::current();
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() {
            line.member("trace_id", &span.trace_id().to_string())?;
            line.member("span_id", &span.span_id().to_string())?;
        }
        for (name, value) in &fields.others {
            if !RESERVED.contains(&name.as_str()) {
                line.member(name, value)?;
            }
        }
        line.end()
    }
}

/// Members that a field of the same name must not write twice.
const RESERVED: [&str; 6] = ["time", "level", "message", "target", "trace_id", "span_id"];

struct Line<'w> {
    writer: Writer<'w>,
    separator: &'static str,
}

impl<'w> Line<'w> {
    fn new(writer: Writer<'w>) -> Self {
        Self { writer, separator: "{" }
    }

    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> fmt::Result {
        let name = serde_json::to_string(name).map_err(|_| fmt::Error)?;
        let value = serde_json::to_string(value).map_err(|_| fmt::Error)?;
        write!(self.writer, "{}{name}:{value}", self.separator)?;
        self.separator = ",";
        Ok(())
    }

    fn end(mut self) -> fmt::Result {
        self.writer.write_str("}\n")
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        // With its causes: what failed is often said by the last of them.
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        self.put(field, text);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use parking_lot::Mutex;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::init::logs;
    use crate::{InitError, Settings};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(filter: &str, act: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = Settings { format: LogFormat::Json, filter: Some(filter.to_owned()), ..Settings::default() };
        let provider = SdkTracerProvider::builder().build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let logs = logs(&settings, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(Registry::default().with(traces).with(logs), act);
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_names_its_request_and_its_trace() {
        let lines = written("info", || {
            let outer = tracing::info_span!("request", request = "r-1", room = "outer");
            let _outer = outer.enter();
            let inner = tracing::info_span!("frame", room = "inner", level = "mine");
            let _inner = inner.enter();
            let error = io::Error::other("disk \"full\"\nindeed");
            tracing::warn!(seq = 7, late = true, error = &error as &dyn std::error::Error, "could not {}", "write");
            tracing::debug!("not asked for");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "could not write");
        assert_eq!((&line["request"], &line["room"]), (&"r-1".into(), &"inner".into()));
        assert_eq!((&line["seq"], &line["late"]), (&7.into(), &true.into()));
        assert_eq!(line["error"], "disk \"full\"\nindeed");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
        assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
        assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')));
    }

    #[test]
    fn a_line_outside_of_any_request_has_no_ids() {
        let lines = written("info", || tracing::info!("up"));
        assert_eq!(lines[0]["message"], "up");
        assert!(lines[0].get("trace_id").is_none());
    }

    #[test]
    fn without_an_exporter_spans_of_traces_do_not_exist() {
        let logs = logs(&Settings { filter: Some("info".to_owned()), ..Settings::default() }, io::sink).unwrap();
        // What is above this level costs one comparison: no span is made, none of its fields is computed.
        assert_eq!(Registry::default().with(logs).max_level_hint(), Some(LevelFilter::INFO));
    }

    #[test]
    fn a_filter_that_is_not_understood_is_named() {
        let settings = Settings { filter: Some("chat=loud".to_owned()), ..Settings::default() };
        let refused = logs::<Registry, _>(&settings, io::sink).err();
        assert!(matches!(refused, Some(InitError::Filter(text, _)) if text == "chat=loud"));
    }
}
