//! JSON bodies, in and out.

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
    kernel::json::read(body).map_err(|unfit| match unfit {
        Unfit::Malformed(why) => malformed(why),
        Unfit::Invalid(problem) => problem.into(),
    })
}
