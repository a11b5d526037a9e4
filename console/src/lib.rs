//! The page at `/`: what Plaza does, shown by a client of its own. This crate serves it; `app/` is what it is made of.
//!
//! ## Decisions
//! - What is served is `dist/`, which is committed, so that Plaza builds on a machine without Node.js. The step `console` of
//!   `./test` builds it anew and compares every byte.
//! - The page is a client like any other: it knows nothing that REST and the WebSocket do not tell everybody.
//! - It navigates behind the `#`, so that only its own few files have addresses, and whatever else is not there stays a problem document.
//! - Files in `assets/` have the hash of what is in them in their names, and may be kept for ever. The page itself is asked for each time.
//! - Nothing runs in it but its own script: no inline script, no third party, no frame around it, no HTML made out of text.
//!   Pictures may also be `blob:`, which is what the reader has chosen to upload.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

const INDEX: &str = "index.html";
/// Kept for a year, which is as long as anything may be.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASKED_FOR: HeaderValue = HeaderValue::from_static("no-cache");
/// Bytes of the hash that make an entity tag.
const TAG_BYTES: usize = 12;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The page and what it loads.
pub fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, (name, bytes)| {
        let page = *name == INDEX;
        let path = if page { "/".to_owned() } else { format!("/{name}") };
        let head = head(name, bytes, page);
        router.route(&path, get(async move |request: HeaderMap| answer(&request, &head, bytes)))
    })
}

fn head(name: &str, bytes: &[u8], page: bool) -> HeaderMap {
    let mut head = HeaderMap::new();
    head.insert(CONTENT_TYPE, media_type(name));
    head.insert(CACHE_CONTROL, if page { ASKED_FOR } else { KEPT });
    let hash: String = Sha256::digest(bytes).iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    head.extend(HeaderValue::try_from(format!("\"{hash}\"")).ok().map(|tag| (ETAG, tag)));
    if page {
        head.insert(CONTENT_SECURITY_POLICY, POLICY);
        head.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        head.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        head.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        // Where the reader is, and only if the browser's question about it is answered with yes.
        head.insert(PERMISSIONS_POLICY, HeaderValue::from_static("geolocation=(self), camera=(), microphone=()"));
    }
    head
}

fn media_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    })
}

fn answer(request: &HeaderMap, head: &HeaderMap, bytes: &'static [u8]) -> Response {
    let known = request.get_all(IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let unchanged = |tag: &HeaderValue| known.into_iter().any(|line| names(line, tag));
    if head.get(ETAG).is_some_and(unchanged) {
        return (StatusCode::NOT_MODIFIED, head.clone()).into_response();
    }
    // The type that the bytes would bring along gives way to the file's own.
    let mut response = bytes.into_response();
    for (name, value) in head {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// Whether a list of entity tags has this one. Compared weakly, as `If-None-Match` is.
fn names(tags: &str, tag: &HeaderValue) -> bool {
    tags.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(method: Method, path: &str, tag: Option<&HeaderValue>) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
    }

    /// What the page loads, by the quotes around it.
    fn loaded(page: &str) -> Vec<&str> {
        page.split('"').filter(|part| part.starts_with("/assets/")).collect()
    }

    #[tokio::test]
    async fn the_page_is_asked_for_each_time_and_what_it_loads_is_kept() {
        let (status, head, page) = ask(Method::GET, "/", None).await;
        assert_eq!(
            (status, &head[CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("text/html; charset=utf-8"))
        );
        assert_eq!(head[CACHE_CONTROL], "no-cache");
        assert!(loaded(&page).len() >= 3, "a script, a style sheet, an icon: {page}");
        for path in loaded(&page) {
            let (status, head, _) = ask(Method::GET, path, None).await;
            assert_eq!((status, &head[CACHE_CONTROL]), (StatusCode::OK, &KEPT), "{path}");
            assert_ne!(head[CONTENT_TYPE], "text/plain; charset=utf-8", "{path}");
        }
    }

    #[tokio::test]
    async fn who_has_it_already_gets_no_bytes() {
        let (_, head, _) = ask(Method::GET, "/", None).await;
        let tag = &head[ETAG];
        let (status, head, body) = ask(Method::GET, "/", Some(tag)).await;
        assert_eq!((status, body.as_str(), &head[ETAG]), (StatusCode::NOT_MODIFIED, "", tag));
        let several = HeaderValue::try_from(format!("\"other\", W/{}", tag.to_str().unwrap())).unwrap();
        assert_eq!(ask(Method::GET, "/", Some(&several)).await.0, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(Method::GET, "/", Some(&HeaderValue::from_static("\"other\""))).await.0, StatusCode::OK);
        assert_eq!(ask(Method::HEAD, "/", None).await.2, "");
    }

    #[tokio::test]
    async fn nothing_else_is_served_and_nothing_is_taken() {
        for path in ["/index.html", "/assets/", "/assets/nothing.js", "/..", "/assets/../Cargo.toml"] {
            assert_eq!(ask(Method::GET, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask(Method::POST, "/", None).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn the_page_may_run_its_own_script_and_no_other() {
        let (_, head, page) = ask(Method::GET, "/", None).await;
        let policy = head[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for script in page.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').unwrap();
            assert!(tag.contains("src=\"/assets/") && rest.starts_with("</script>"), "inline script: {script}");
        }
        for word in ["<style", " style=", " onclick=", "http://", "https://"] {
            assert!(!page.contains(word), "{word} in {page}");
        }
    }
}
