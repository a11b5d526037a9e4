//! JSON bodies, in and out.

use std::fmt;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kernel::{ErrorKind, Problem};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_path_to_error::Segment;

use crate::Failure;

/// Largest request body.
pub const JSON_BODY_BYTES_MAX: usize = 256 * 1024;

/// A JSON body: of a request, or of a 200 answer.
///
/// A request must say `Content-Type: application/json`; what does not fit `T` is refused with a pointer to the member.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// 201, and what was created.
#[derive(Debug, Clone)]
pub struct Created<T>(pub T);

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        require_json(request.headers())?;
        let (parts, body) = request.into_parts();
        let body = read(&parts.headers, body).await?;
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::CREATED, &self.0)
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer does not serialise");
            Failure::internal().into_response()
        }
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Failure> {
    let essence =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(|value| match value.split_once(';') {
            Some((essence, _)) => essence.trim(),
            None => value.trim(),
        });
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let failure = Failure::new(ErrorKind::Invalid, "unsupported_media_type", "Send the body as application/json.");
    Err(failure.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The whole body, up to [`JSON_BODY_BYTES_MAX`].
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > JSON_BODY_BYTES_MAX) {
        return Err(too_large());
    }
    match Limited::new(body, JSON_BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(malformed("The body ended early.".to_owned())),
    }
}

fn too_large() -> Failure {
    Failure::new(ErrorKind::TooLarge, "body_too_large", format!("A body holds {JSON_BODY_BYTES_MAX} bytes at most."))
}

fn malformed(message: String) -> Failure {
    let failure = Failure::new(ErrorKind::Invalid, "malformed_json", message);
    failure.with_status(StatusCode::BAD_REQUEST)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    read_as::<Whole>(body)?;
    read_as(body)
}

fn read_as<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if !error.inner().is_data() {
            return malformed(error.inner().to_string());
        }
        let pointer = pointer(error.path());
        Problem::new(ErrorKind::Invalid, "invalid_body", sentence(error.inner())).at(pointer).into()
    })?;
    deserializer.end().map_err(|error| malformed(error.to_string()))?;
    Ok(value)
}

/// Lets pass what any request may be: an object, without a `null` in it.
///
/// serde would take an array for a struct's members in their order, and a `null` for an absent member; a client that
/// sends `null` means something by it, and must not believe that it was done.
struct Whole;

/// Any value but `null`.
struct Present;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Whole, A::Error> {
                Present.visit_map(members).map(|_| Whole)
            }
        }
        deserializer.deserialize_any(Object)
    }
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Present {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value; leave the member out instead")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<IgnoredAny, Self>()?.is_some() {}
        Ok(self)
    }
}

/// What serde says, less the place in the text: the pointer says where.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by serde only")]
    struct Note {
        text: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn refused(body: &str) -> (u16, String, Option<String>) {
        let document = parse::<Note>(body.as_bytes()).unwrap_err().document();
        (document.status, document.code, document.pointer)
    }

    #[test]
    fn a_refusal_points_to_the_member() {
        assert_eq!(refused(r#"{"text":7}"#), (422, "invalid_body".into(), Some("/text".into())));
        assert_eq!(refused(r#"{"text":"x","tags":["a",1]}"#), (422, "invalid_body".into(), Some("/tags/1".into())));
        assert_eq!(refused(r#"{"text":"x","tag":[]}"#), (422, "invalid_body".into(), Some("/tag".into())));
        assert_eq!(refused(r"{}"), (422, "invalid_body".into(), Some(String::new())));
        assert_eq!(refused(r#"["x",[]]"#), (422, "invalid_body".into(), Some(String::new())));
        assert_eq!(refused(r#"{"text":"x","tags":null}"#), (422, "invalid_body".into(), Some("/tags".into())));
        assert_eq!(refused(r#"{"text":"x","tags":[[null]]}"#), (422, "invalid_body".into(), Some("/tags/0/0".into())));
        assert_eq!(refused("7").0, 422);
        assert_eq!(refused("").0, 400);
        assert_eq!(refused(r#"{"text":"#).0, 400);
        assert_eq!(refused(r#"{"text":"x"} x"#).0, 400);
    }
}
