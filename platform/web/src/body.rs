//! JSON bodies, in and out.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kernel::ErrorKind;
use kernel::json::Unfit;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// Largest request body.
pub const JSON_BODY_BYTES_MAX: usize = 256 * 1024;

/// A JSON body: of a request, or of a 200 answer.
///
/// A request must say `Content-Type: application/json`; what does not fit `T` is refused with a pointer to the member.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A body that is no JSON, yet to be read: a handler checks first whether it wants it.
#[derive(Debug)]
pub struct Upload {
    headers: HeaderMap,
    body: Body,
}

/// 201, and what was created.
#[derive(Debug, Clone)]
pub struct Created<T>(pub T);

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        require(request.headers(), "application/json")?;
        let (parts, body) = request.into_parts();
        let body = read(&parts.headers, body).await?;
        parse(&body).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(Self { headers: parts.headers, body })
    }
}

impl Upload {
    /// The whole body, which must say that it is of type `essence` and have `bytes_max` bytes at most.
    pub async fn read(self, essence: &'static str, bytes_max: usize) -> Result<Bytes, Failure> {
        require(&self.headers, essence)?;
        read_up_to(&self.headers, self.body, bytes_max).await.map_err(|unread| match unread {
            Unread::TooLarge => too_large(bytes_max),
            Unread::Ended => {
                let message = "The body ended early. Nothing of it was kept.";
                Failure::new(ErrorKind::Invalid, "body_incomplete", message).with_status(StatusCode::BAD_REQUEST)
            }
        })
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

fn require(headers: &HeaderMap, wanted: &'static str) -> Result<(), Failure> {
    let essence =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(|value| match value.split_once(';') {
            Some((essence, _)) => essence.trim(),
            None => value.trim(),
        });
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    let message = format!("Send the body as {wanted}.");
    let failure = Failure::new(ErrorKind::Invalid, "unsupported_media_type", message);
    Err(failure.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The whole body, up to [`JSON_BODY_BYTES_MAX`].
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
    read_up_to(headers, body, JSON_BODY_BYTES_MAX).await.map_err(|unread| match unread {
        Unread::TooLarge => too_large(JSON_BODY_BYTES_MAX),
        Unread::Ended => malformed("The body ended early.".to_owned()),
    })
}

enum Unread {
    TooLarge,
    Ended,
}

async fn read_up_to(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Unread> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Unread::TooLarge);
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Ended),
    }
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::new(ErrorKind::TooLarge, "body_too_large", format!("A body holds {bytes_max} bytes at most."))
}

fn malformed(message: String) -> Failure {
    let failure = Failure::new(ErrorKind::Invalid, "malformed_json", message);
    failure.with_status(StatusCode::BAD_REQUEST)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    kernel::json::read(body).map_err(|unfit| match unfit {
        Unfit::Malformed(why) => malformed(why),
        Unfit::Invalid(problem) => problem.into(),
    })
}
