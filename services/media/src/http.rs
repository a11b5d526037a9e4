//! Media over REST.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kernel::MediaId;
use schemas::media::{Media, MediaUpload};
use serde::Deserialize;
use web::{Caller, Created, Failure, Guest, Json, Method, NoContent, Path, Query, Routes, Upload};

use crate::links::Link;
use crate::model::PART_BYTES_MAX;
use crate::range::{Wanted, wanted};
use crate::{Error, Reach, Service};

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// The type that tus gives to parts.
const PART_TYPE: &str = "application/offset+octet-stream";

type Files = State<Arc<Service>>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("beginUpload", Method::POST, "/v1/media", begin_upload)
        .creates()
        .op("getUpload", Method::GET, "/v1/media/{media}", get_upload)
        .op("appendToUpload", Method::PATCH, "/v1/media/{media}", append_to_upload)
        .op("deleteUpload", Method::DELETE, "/v1/media/{media}", delete_upload)
        .op("getRendition", Method::GET, "/v1/media/{media}/{rendition}", get_rendition)
        .with_state(service)
}

async fn begin_upload(
    State(files): Files,
    Caller(ctx): Caller,
    Json(input): Json<MediaUpload>,
) -> Result<Created<Media>, Failure> {
    Ok(Created(files.begin(&ctx, input).await?))
}

/// Also answers `HEAD`, without the body.
async fn get_upload(State(files): Files, Caller(ctx): Caller, Path(media): Path<MediaId>) -> Result<Response, Failure> {
    let media = files.read(&ctx, media).await?;
    let headers = [(UPLOAD_OFFSET, HeaderValue::from(media.received)), (UPLOAD_LENGTH, HeaderValue::from(media.bytes))];
    Ok((headers, Json(media)).into_response())
}

async fn delete_upload(
    State(files): Files,
    Caller(ctx): Caller,
    Path(media): Path<MediaId>,
) -> Result<NoContent, Failure> {
    files.delete(&ctx, media).await?;
    Ok(NoContent)
}

async fn append_to_upload(
    State(files): Files,
    Caller(ctx): Caller,
    Path(media): Path<MediaId>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Response> {
    let start = headers.get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
    let start: u64 = start.ok_or(Error::Offset).map_err(told)?;
    let _place = files.place(ctx.user).map_err(told)?;
    // Before megabytes are taken for nothing.
    files.goes_on_at(&ctx, media, start).await.map_err(told)?;
    let bytes = upload.read(PART_TYPE, PART_BYTES_MAX as usize).await.map_err(Failure::into_response)?;
    let next = files.append(&ctx, media, start, bytes).await.map_err(told)?;
    Ok((StatusCode::NO_CONTENT, [(UPLOAD_OFFSET, HeaderValue::from(next))]).into_response())
}

/// A failure, with the header that tells how to go on.
fn told(error: Error) -> Response {
    let header = match &error {
        Error::Elsewhere(at) | Error::Complete(at) => Some((UPLOAD_OFFSET, HeaderValue::from(*at))),
        Error::Range(size) => HeaderValue::try_from(format!("bytes */{size}")).ok().map(|it| (CONTENT_RANGE, it)),
        _ => None,
    };
    let status = matches!(error, Error::Range(_)).then_some(StatusCode::RANGE_NOT_SATISFIABLE);
    let failure = Failure::from(error);
    let mut response = status.map_or(failure.clone(), |status| failure.with_status(status)).into_response();
    response.headers_mut().extend(header);
    response
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    k: String,
}

async fn get_rendition(
    State(files): Files,
    guest: Guest,
    Path((media, name)): Path<(MediaId, String)>,
    Query(key): Query<Key>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let found = files.open(media, &name, &key.k, guest.now).await.map_err(told)?;
    let size = found.form.bytes;
    // The bytes of a name never change.
    let tag = format!("\"{}-{name}-{size}\"", media.uuid().simple());
    let mut answer = HeaderMap::new();
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Nothing that a browser takes these bytes for may run.
    answer.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    answer.extend(HeaderValue::try_from(&tag).ok().map(|tag| (ETAG, tag)));
    answer.extend(HeaderValue::try_from(caching(found.link, guest.now)).ok().map(|it| (CACHE_CONTROL, it)));
    if text(&headers, &IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    // A range on condition of another representation, or of a date, is a wish for the whole.
    let unchanged = text(&headers, &IF_RANGE).is_none_or(|known| known == tag);
    let range = text(&headers, &RANGE).filter(|_| unchanged && method == Method::GET);
    let (status, range) = match wanted(range, size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return Err(told(Error::Range(size))),
    };
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(found.form.r#type.name()));
    answer.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        answer.extend(HeaderValue::try_from(told).ok().map(|it| (CONTENT_RANGE, it)));
    }
    if method == Method::HEAD {
        return Ok((status, answer).into_response());
    }
    let bytes = files.bytes(&found, range).await.map_err(told)?;
    Ok((status, answer, Body::from_stream(bytes)).into_response())
}

/// Kept for as long as the address holds.
fn caching(link: Link, now: kernel::Timestamp) -> String {
    let who = if link.reach == Reach::Public { "public" } else { "private" };
    format!("{who}, max-age={}, immutable", link.until.since(now).as_secs())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a list of entity tags has this one. Compared weakly, as `If-None-Match` is.
fn names(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == tag)
}
