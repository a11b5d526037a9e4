//! REST: one request, from its path to its answer.

mod answer;
mod chaos;
mod fault;
mod memory;
mod prefer;
mod request;
mod route;

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

pub use answer::{Answer, Wish};
pub use chaos::Chaos;
pub use fault::Fault;
pub use memory::{Memory, REMEMBERED_MAX};
pub use prefer::Prefer;
pub use request::BODY_BYTES_MAX;

use crate::Mock;
use crate::spec::{Place, Spec};
use memory::Recall;
use request::Given;
use route::Route;

/// Answers a request as the spec says.
pub async fn answer(mock: &Mock, spec: &Spec, parts: &Parts, body: Body) -> Result<Response, Fault> {
    let Some(route) = Route::find(&spec.rest, parts.uri.path()) else {
        return Err(Fault::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address."));
    };
    let Some(operation) = route.operation(&parts.method) else {
        if parts.method == Method::OPTIONS {
            return Ok(empty(StatusCode::NO_CONTENT, &route.allowed()));
        }
        let detail = "This address does not take that method; see the Allow header.";
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        return Err(fault.with(ALLOW, &route.allowed()));
    };
    mock.chaos.suffer(&parts.headers, operation).await?;

    let given = Given::new(&parts.uri, &parts.headers, &route.variables);
    let caller = given.caller(operation, &spec.rest)?;
    for place in [Place::Header, Place::Cookie, Place::Path, Place::Query] {
        given.check(operation, place)?;
    }
    let body = request::body(operation, &parts.headers, body).await?;

    let prefer = Prefer::of(&parts.headers)?;
    let what = format!("{} {}", operation.method, parts.uri);
    let wish =
        Wish { prefer: &prefer, headers: &parts.headers, body: body.as_ref(), seed: mock.settings.seed, what: &what };
    let mut answer = answer::choose(spec, operation, &wish)?;
    let applied = prefer.applied();
    if mock.settings.remember && applied.is_none() && answer.status.is_success() {
        let limit = given.query.iter().find(|(name, _)| name == "limit").and_then(|(_, value)| value.parse().ok());
        let recall = Recall {
            spec,
            route: &route,
            operation,
            caller: caller.as_deref(),
            body: body.as_ref(),
            limit,
            seed: mock.settings.seed,
        };
        mock.memory.apply(&recall, &mut answer)?;
    }
    answer::put_tokens(&spec.rest.tokens, body.as_ref(), caller.as_deref(), &mut answer.value);
    write(answer, applied, parts)
}

fn write(answer: Answer<'_>, applied: Option<String>, parts: &Parts) -> Result<Response, Fault> {
    let is_problem = answer.media_type.is_some_and(|it| it.starts_with("application/problem+json"));
    if let (true, Value::Object(document)) = (is_problem, &answer.value) {
        let mut fault = Fault::declared(answer.status, document);
        if let Some(applied) = applied {
            fault = fault.with(prefer::APPLIED, &applied);
        }
        return Err(fault);
    }
    let body = match (answer.media_type, answer.value) {
        (None, _) => Vec::new(),
        (Some(media_type), Value::String(text)) if !media_type.contains("json") => text.into_bytes(),
        (Some(media_type), Value::Null) if !media_type.contains("json") => Vec::new(),
        (Some(_), value) => serde_json::to_vec(&value).unwrap_or_default(),
    };
    let length = body.len();
    let body = if parts.method == Method::HEAD { Body::empty() } else { Body::from(body) };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if parts.method == Method::HEAD {
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some(value) = answer.media_type.and_then(|it| HeaderValue::from_str(it).ok()) {
        headers.insert(CONTENT_TYPE, value);
    }
    if let Some(value) = applied.and_then(|it| HeaderValue::from_str(&it).ok()) {
        headers.insert(prefer::APPLIED, value);
    }
    Ok(response)
}

fn empty(status: StatusCode, allowed: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
