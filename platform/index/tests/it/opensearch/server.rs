//! The OpenSearch that tests share, each with indexes of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use index::engine::opensearch::{OpenSearch, Settings};
use kernel::Secret;
use opensearch::http::headers::HeaderMap;
use opensearch::http::transport::Transport;
use opensearch::http::{Method, Url};
use serde_json::Value;
use tokio::sync::OnceCell;

/// Begins all test indexes; then comes the process, so that what dead ones have left can be told.
const PREFIX: &str = "plaza-test-";

pub fn url() -> String {
    std::env::var("PLAZA_TEST_OPENSEARCH_URL")
        .expect("this test needs OpenSearch: run ./test, or set PLAZA_TEST_OPENSEARCH_URL")
}

/// Settings with a prefix that nobody else has.
pub async fn fresh() -> Settings {
    static SWEPT: OnceCell<()> = OnceCell::const_new();
    SWEPT.get_or_init(sweep).await;
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Settings { url: Some(Secret::new(url())), prefix: format!("{PREFIX}{}-{number}-", std::process::id()) }
}

pub async fn engine() -> OpenSearch {
    OpenSearch::new(&fresh().await).unwrap()
}

/// What the server answers to a plain request.
pub async fn ask(method: Method, path: &str) -> Value {
    drop(rustls::crypto::ring::default_provider().install_default());
    let transport = Transport::single_node(Url::parse(&url()).unwrap().as_str()).unwrap();
    let answer = transport.send(method, path, HeaderMap::new(), None::<&()>, None::<()>, None).await.unwrap();
    answer.json().await.unwrap()
}

/// Deletes what test runs that are over have left.
async fn sweep() {
    let indexes = ask(Method::Get, &format!("/{PREFIX}*/_alias?expand_wildcards=all")).await;
    for index in indexes.as_object().unwrap().keys() {
        let process = index.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Another run may be at it too.
            ask(Method::Delete, &format!("/{index}?ignore_unavailable=true")).await;
        }
    }
}
