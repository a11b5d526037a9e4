//! A trace collector for tests: takes OTLP over gRPC and lets the test look at what came.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// A span as it arrived. Ids are in hex; `parent` is empty for the first span of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub name: String,
    pub trace: String,
    pub span: String,
    pub parent: String,
    /// The resource's `service.name`.
    pub service: String,
    /// The resource's `service.instance.id`: which process it came from.
    pub node: String,
    pub attributes: BTreeMap<String, String>,
    pub events: Vec<String>,
}

/// Listens until dropped.
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    /// Export calls so far.
    calls: watch::Receiver<u64>,
    server: tokio::task::JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let (called, calls) = watch::channel(0);
        let service = TraceServiceServer::new(Service { received: Arc::clone(&received), called });
        let connections = tonic::transport::server::TcpIncoming::from(listener);
        let server = tokio::spawn(async move {
            // Ends with the test.
            let _ = tonic::transport::Server::builder().serve_with_incoming(service, connections).await;
        });
        Ok(Self { address, received, calls, server })
    }

    /// What to set as `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    #[must_use]
    pub fn calls(&self) -> u64 {
        *self.calls.borrow()
    }

    /// Waits until what has come satisfies `enough`. Says what came if it never does.
    pub async fn wait(
        &self,
        deadline: Duration,
        enough: impl Fn(&[Received]) -> bool,
    ) -> Result<Vec<Received>, Vec<Received>> {
        let mut calls = self.calls.clone();
        let reached = calls.wait_for(|_| enough(&self.received.lock()));
        let reached = matches!(tokio::time::timeout(deadline, reached).await, Ok(Ok(_)));
        if reached { Ok(self.received()) } else { Err(self.received()) }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Service {
    received: Arc<Mutex<Vec<Received>>>,
    called: watch::Sender<u64>,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let about = map(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
            let about = |name: &str| about.get(name).cloned().unwrap_or_default();
            let (service, node) = (about("service.name"), about("service.instance.id"));
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                self.received.lock().push(Received {
                    name: span.name,
                    trace: hex(&span.trace_id),
                    span: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    service: service.clone(),
                    node: node.clone(),
                    attributes: map(span.attributes),
                    events: span.events.into_iter().map(|event| event.name).collect(),
                });
            }
        }
        self.called.send_modify(|calls| *calls += 1);
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn map(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}
