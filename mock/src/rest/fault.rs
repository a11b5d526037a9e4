//! How a request fails: problem details (RFC 9457), as close to what the spec declares as can be.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::spec::{How, Operation, Unfit};

/// A failure on its way to a problem document.
#[derive(Debug, Clone)]
pub struct Fault {
    pub status: StatusCode,
    pub document: Map<String, Value>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

const fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "Malformed request",
        401 => "Unauthenticated",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        409 => "Conflict",
        413 => "Too large",
        415 => "Unsupported media type",
        422 => "Invalid request",
        426 => "Upgrade required",
        429 => "Too many requests",
        503 => "Unavailable",
        504 => "Not done in time",
        _ => "Internal error",
    }
}

impl Fault {
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("urn:plaza:problem:{code}").into());
        document.insert("title".to_owned(), title(status).into());
        document.insert("status".to_owned(), status.as_u16().into());
        document.insert("detail".to_owned(), detail.into().into());
        document.insert("code".to_owned(), code.into());
        Self { status, document, headers: Vec::new() }
    }

    /// An example of a problem, as the spec has it.
    pub fn declared(status: StatusCode, example: &Map<String, Value>) -> Self {
        let mut document = example.clone();
        document.insert("status".to_owned(), status.as_u16().into());
        Self { status, document, headers: Vec::new() }
    }

    pub fn at(mut self, pointer: &str) -> Self {
        if !pointer.is_empty() {
            self.document.insert("pointer".to_owned(), pointer.into());
        }
        self
    }

    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub fn code(&self) -> &str {
        self.document.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn into_response(mut self, request_id: &str) -> Response {
        self.document.insert("request_id".to_owned(), request_id.into());
        let wait_ms = self.document.get("retry_after_ms").and_then(Value::as_u64);
        let body = serde_json::to_vec(&self.document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait_ms) = wait_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
        }
        headers.extend(
            self.headers
                .into_iter()
                .map(|(name, value)| (Some(name), value))
                .filter_map(|(name, value)| name.map(|name| (name, value))),
        );
        response
    }
}

impl Operation {
    /// The problems that this operation declares, with their status: its own before those of `default`.
    fn problems(&self) -> impl Iterator<Item = (StatusCode, &Map<String, Value>)> {
        let mut responses: Vec<_> = self.responses.iter().collect();
        responses.sort_by_key(|response| response.status == "default");
        let examples = responses.into_iter().flat_map(|response| {
            response.contents.iter().flat_map(move |content| content.examples.iter().map(move |it| (response, it)))
        });
        examples.filter_map(|(response, (_, example))| {
            let problem = example.as_object()?;
            problem.get("code")?.as_str()?;
            let status = response.status.parse::<u16>().ok();
            let status = status.or_else(|| u16::try_from(problem.get("status")?.as_u64()?).ok())?;
            let status = StatusCode::from_u16(status).ok()?;
            (status.is_client_error() || status.is_server_error()).then_some((status, problem))
        })
    }

    pub fn declares(&self, code: &str) -> bool {
        self.problems().any(|(_, problem)| problem.get("code").is_some_and(|it| it == code))
    }

    /// The problem with this code: the declared one, else one made up with `status` and `detail`.
    pub fn fault(&self, status: StatusCode, code: &str, detail: impl Into<String>) -> Fault {
        let found = self.problems().find(|(_, problem)| problem.get("code").is_some_and(|it| it == code));
        match found {
            Some((status, problem)) => Fault::declared(status, problem),
            None => Fault::new(status, code, detail),
        }
    }

    /// The same, telling `detail` whatever the declared one says.
    pub fn fault_telling(&self, status: StatusCode, code: &str, detail: String) -> Fault {
        let mut fault = self.fault(status, code, "");
        fault.document.insert("detail".to_owned(), detail.into());
        fault.document.remove("pointer");
        fault
    }

    /// Any declared problem of this status.
    pub fn fault_of_status(&self, status: StatusCode) -> Option<Fault> {
        self.problems().find(|(it, _)| *it == status).map(|(status, problem)| Fault::declared(status, problem))
    }

    /// What a body is refused with. A member of the wrong kind is an `invalid_body`; one with the wrong content is what
    /// the operation declares for that member, if it does.
    pub fn unfit(&self, unfit: &Unfit) -> Fault {
        if unfit.how != How::Shape {
            let member = unfit.pointer.rsplit('/').next().unwrap_or_default();
            // `invalid_text`, and `invalid_search_text` too.
            let whole = format!("_{member}");
            let of_member = self.problems().filter(|(status, problem)| {
                let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
                let pointer = problem.get("pointer").and_then(Value::as_str);
                let named = code.strip_prefix("invalid").is_some_and(|of| of.ends_with(&whole));
                *status == StatusCode::UNPROCESSABLE_ENTITY
                    && code != "invalid_body"
                    && (pointer == Some(&unfit.pointer) || (pointer.is_none() && !member.is_empty() && named))
            });
            let hints: &[&str] = match unfit.how {
                How::TooMuch => &["too_long", "too_many", "too_large"],
                How::TooLittle => &["empty", "short", "weak"],
                How::Shape | How::Content => &["invalid", "control"],
            };
            let hinted = |problem: &Map<String, Value>| {
                let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
                !hints.iter().any(|hint| code.contains(hint))
            };
            if let Some((status, problem)) = of_member.min_by_key(|(_, problem)| hinted(problem)) {
                return Fault::declared(status, problem).at(&unfit.pointer);
            }
        }
        self.fault_telling(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", unfit.why.clone()).at(&unfit.pointer)
    }
}
