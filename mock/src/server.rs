//! HTTP around it all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::rest::Fault;
use crate::{Mock, page, rest, socket};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a client.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// How long a browser remembers the answer to its preflight request.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(60 * 60);

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, mock: Arc<Mock>, stop: CancellationToken) -> io::Result<()> {
    let watching = tokio::spawn(Arc::clone(&mock).watch());
    let stopping = mock.stopping.clone();
    let app = Router::new().fallback(answer).layer(cors()).with_state(mock);
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.cancelled().await;
        stopping.cancel();
    });
    let served = served.await;
    watching.abort();
    served
}

/// Pages of any origin may call a mock.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list([
            ALLOW,
            RETRY_AFTER,
            X_REQUEST_ID,
            HeaderName::from_static("preference-applied"),
        ]))
        .max_age(PREFLIGHT_KEPT)
}

async fn answer(State(mock): State<Arc<Mock>>, request: Request) -> Response {
    let request_id = request_id(&request);
    let answered = route(&mock, request).await;
    let mut response = answered.unwrap_or_else(|fault| fault.into_response(&request_id));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn route(mock: &Arc<Mock>, request: Request) -> Result<Response, Fault> {
    let spec = mock.spec();
    let (mut parts, body) = linger::body(request).into_parts();
    let path = parts.uri.path();
    if path == page::PATH || path.starts_with(page::UNDER) {
        return page::answer(mock, &spec, &parts);
    }
    if let Some(at) = spec.channels.iter().position(|channel| channel.address == path) {
        if parts.method != Method::GET {
            let detail = "This address does not take that method; see the Allow header.";
            let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
            return Err(fault.with(ALLOW, "GET"));
        }
        return socket::answer(mock, &spec, at, &mut parts);
    }
    Box::pin(rest::answer(mock, &spec, &parts, body)).await
}

/// The client's own, if it sent one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given
        .filter(|id| (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
    given.map_or_else(
        || {
            use std::sync::atomic::{AtomicU64, Ordering};
            static COUNT: AtomicU64 = AtomicU64::new(1);
            format!("{:016x}", COUNT.fetch_add(1, Ordering::Relaxed))
        },
        ToOwned::to_owned,
    )
}
