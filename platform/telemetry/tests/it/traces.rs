//! Spans reach a collector that speaks OTLP, in one trace across processes, and exporting makes no spans of its own.

use std::sync::Arc;
use std::time::Duration;

use telemetry::testing::{Collector, Received};
use telemetry::{Guard, Settings, continue_trace, current_traceparent, timed};
use tracing::Instrument as _;

const DEADLINE: Duration = Duration::from_secs(60);

fn named<'a>(spans: &'a [Received], name: &str) -> &'a Received {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name} in {spans:#?}"))
}

async fn flush(guard: &Arc<Guard>) {
    let guard = Arc::clone(guard);
    tokio::task::spawn_blocking(move || guard.flush()).await.unwrap();
}

// One test, because a process has one telemetry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_crosses_processes_and_exporting_it_adds_nothing() {
    let collector = Collector::start().await.unwrap();
    let settings = Settings {
        otlp_endpoint: Some(collector.endpoint()),
        filter: Some("warn".to_owned()),
        node: "node-1".to_owned(),
        ..Settings::default()
    };
    let guard = telemetry::init(&settings).unwrap();
    assert!(guard.exports_traces());
    assert!(telemetry::init(&settings).is_err(), "twice");
    assert_eq!(current_traceparent(), None, "outside of any span");

    let frame = tracing::info_span!("frame", op = "message.send");
    continue_trace(&frame, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let carried = async {
        let stored = timed("postgres", "chat.append", async { Ok::<_, ()>(()) }).await;
        assert_eq!(stored, Ok(()));
        tracing::debug!("too detailed for a trace");
        tracing::info!("worth a mark");
        current_traceparent().unwrap()
    }
    .instrument(frame)
    .await;

    // On another node, later.
    let deliver = tracing::debug_span!("deliver");
    continue_trace(&deliver, Some(&*carried));
    deliver.in_scope(|| ());
    drop(deliver);
    // What a client sent by mistake begins a new trace.
    let odd = tracing::info_span!("odd");
    continue_trace(&odd, "nonsense");
    odd.in_scope(|| ());
    drop(odd);

    // What the exporter's own code says about itself is the most detailed of all: it must not join a trace.
    let guard = Arc::new(guard);
    flush(&guard).await;
    let spans = collector.wait(DEADLINE, |spans| spans.len() >= 4).await.unwrap();
    let calls = collector.calls();
    flush(&guard).await;
    flush(&guard).await;
    assert_eq!(collector.calls(), calls, "exporting made something to export: {:#?}", collector.received());

    let (frame, append) = (named(&spans, "frame"), named(&spans, "chat.append"));
    let (deliver, odd) = (named(&spans, "deliver"), named(&spans, "odd"));
    assert_eq!(frame.trace, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(frame.parent, "b7ad6b7169203331");
    assert_eq!((&append.trace, &append.parent), (&frame.trace, &frame.span));
    assert_eq!((&deliver.trace, &deliver.parent), (&frame.trace, &frame.span));
    assert_ne!(odd.trace, frame.trace);
    assert_eq!(frame.service, "plaza");
    assert_eq!(frame.attributes["op"], "message.send");
    assert_eq!(append.attributes["db.system.name"], "postgres");
    assert_eq!(frame.events, ["worth a mark"]);
    assert_eq!(spans.len(), 4, "{spans:#?}");
}
