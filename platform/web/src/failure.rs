//! Failures on their way to a problem document.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use kernel::{ErrorKind, Problem, RequestId};
use schemas::problem::Problem as Document;

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What a handler returns when it cannot do what was asked. Made from any slice's error by `?`.
#[derive(Debug, Clone)]
pub struct Failure {
    problem: Problem,
    status: StatusCode,
}

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Self {
        let problem = problem.into();
        let status = match problem.kind {
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { problem, status }
    }
}

const fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "Malformed request",
        401 => "Unauthenticated",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        409 => "Conflict",
        413 => "Too large",
        415 => "Unsupported media type",
        416 => "Range not satisfiable",
        422 => "Invalid request",
        429 => "Too many requests",
        503 => "Unavailable",
        504 => "Not done in time",
        _ => "Internal error",
    }
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Problem::new(kind, code, message).into()
    }

    /// For the few failures of HTTP itself, whose status no kind stands for.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn internal() -> Self {
        Self::new(ErrorKind::Internal, "internal", "Something went wrong on our side.")
    }

    pub(crate) fn timeout() -> Self {
        let message = "This took too long. Repeat it with the same Idempotency-Key.";
        let problem = Problem::new(ErrorKind::Unavailable, "timeout", message).retry_after(Duration::from_secs(1));
        Self::from(problem).with_status(StatusCode::GATEWAY_TIMEOUT)
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.problem.code
    }

    /// The problem document, all but the id of a request.
    pub(crate) fn document(&self) -> Document {
        Document {
            r#type: format!("urn:plaza:problem:{}", self.problem.code),
            title: title(self.status).to_owned(),
            status: self.status.as_u16(),
            detail: self.problem.message.clone().into_owned(),
            code: self.problem.code.to_owned(),
            request_id: String::new(),
            pointer: self.problem.pointer.clone().map(std::borrow::Cow::into_owned),
            retry_after_ms: self.problem.retry_after.map(|wait| wait.as_millis().try_into().unwrap_or(u64::MAX)),
        }
    }
}

/// Leaves the failure in the response's extensions, for the edge to write out.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.problem.cause {
            tracing::error!(code = self.problem.code, %cause, "a request failed");
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let document = self.document();
        response.extensions_mut().insert(document);
        response
    }
}

/// Writes the document that a failure left in `response`; a bare 404 or 405 of the router becomes a failure first.
pub(crate) fn write(response: Response, request: &RequestId) -> Response {
    let (mut parts, body) = response.into_parts();
    let document = match parts.extensions.remove::<Document>() {
        Some(document) => Some(document),
        None if parts.headers.contains_key(CONTENT_TYPE) => None,
        None => bare(parts.status).map(|failure| failure.document()),
    };
    let Some(mut document) = document else {
        return Response::from_parts(parts, body);
    };
    document.request_id = request.as_str().to_owned();
    parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    if let Some(wait_ms) = document.retry_after_ms {
        // Whole seconds is all that the header can say; a second early would be refused again.
        parts.headers.insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
    }
    let body = serde_json::to_vec(&document).unwrap_or_default();
    parts.headers.remove(http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

fn bare(status: StatusCode) -> Option<Failure> {
    match status {
        StatusCode::NOT_FOUND => {
            Some(Failure::new(ErrorKind::NotFound, "not_found", "There is nothing at this address."))
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let message = "This address does not take that method; see the Allow header.";
            let failure = Failure::new(ErrorKind::Invalid, "method_not_allowed", message);
            Some(failure.with_status(status))
        }
        _ => None,
    }
}
