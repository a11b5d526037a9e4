//! Something that listens like OpenSearch and answers bulks as a test wants: for faults that a real one shows too rarely.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use index::engine::opensearch::{OpenSearch, Patience, Settings};
use kernel::Secret;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

/// How many tries in a row may come to nothing here.
pub const TRIES_MAX: u32 = 4;

/// One write of a bulk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub id: String,
    pub version: u64,
    pub delete: bool,
}

/// What one request is answered.
pub type Reply = Box<dyn Fn(&[Sent]) -> (u16, Value) + Send>;

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    last: Option<Reply>,
    requests: Vec<Vec<Sent>>,
}

/// A server, until it is dropped.
pub struct Injector {
    script: Arc<Mutex<Script>>,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Injector {
    /// Answers with `replies`, then with `last` for ever.
    pub async fn start(replies: Vec<Reply>, last: Reply) -> Self {
        let script = Script { replies: replies.into(), last: Some(last), requests: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let router = Router::new()
            .route("/_bulk", post(bulk))
            .route("/{indexes}/_alias", get(|| async { json!({"plaza-post-1": {"aliases": {}}}).to_string() }))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(script.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { script, url, server }
    }

    pub fn engine(&self) -> OpenSearch {
        let settings = Settings { url: Some(Secret::new(self.url.clone())), ..Settings::default() };
        let (first, longest) = (Duration::from_millis(1), Duration::from_millis(4));
        OpenSearch::new(&settings).unwrap().with_patience(Patience { first, longest, tries_max: TRIES_MAX })
    }

    /// The writes of each request, in the order of their arrival.
    pub fn requests(&self) -> Vec<Vec<Sent>> {
        self.script.lock().requests.clone()
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn bulk(State(script): State<Arc<Mutex<Script>>>, body: String) -> Response {
    let sent = read(&body);
    let mut script = script.lock();
    script.requests.push(sent.clone());
    let next = script.replies.pop_front();
    let (status, body) = next.as_ref().or(script.last.as_ref()).unwrap()(&sent);
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn read(body: &str) -> Vec<Sent> {
    let mut lines = body.lines();
    let mut sent = Vec::new();
    while let Some(line) = lines.next() {
        let action: Value = serde_json::from_str(line).unwrap();
        let (delete, about) = match (&action["index"], &action["delete"]) {
            (Value::Null, about) => (true, about),
            (about, _) => (false, about),
        };
        assert_eq!(about["version_type"], "external_gte");
        assert_eq!(about["_index"], "plaza-post-1-write", "writes go through the alias for writes");
        if !delete {
            lines.next().expect("a document follows");
        }
        let (id, version) = (about["_id"].as_str().unwrap().to_owned(), about["version"].as_u64().unwrap());
        sent.push(Sent { id, version, delete });
    }
    sent
}

/// Answers each write by its id: a status, and the name of an error if it is one.
pub fn each(fate: impl Fn(&Sent) -> (u16, Option<&'static str>) + Send + 'static) -> Reply {
    Box::new(move |sent| {
        let items: Vec<Value> = sent
            .iter()
            .map(|one| {
                let (status, error) = fate(one);
                let action = if one.delete { "delete" } else { "index" };
                match error {
                    None => json!({action: {"status": status}}),
                    Some(name) => json!({action: {"status": status, "error": {"type": name, "reason": "injected"}}}),
                }
            })
            .collect();
        (200, json!({"errors": true, "items": items}))
    })
}

pub fn fine() -> Reply {
    each(|one| if one.delete { (404, None) } else { (201, None) })
}

/// Answers the whole request.
pub fn whole(status: u16, name: &'static str) -> Reply {
    Box::new(move |_| (status, json!({"error": {"type": name, "reason": "injected"}, "status": status})))
}
