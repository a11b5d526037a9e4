//! What an operation answers: an example that the spec has, or a value made from its schema.

use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::fault::Fault;
use super::prefer::Prefer;
use crate::generate;
use crate::spec::{Content, Operation, Response, Schema, Spec, Tokens};

/// An answer before it is written.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    pub status: StatusCode,
    pub media_type: Option<&'a str>,
    pub value: Value,
    pub schema: Option<&'a Schema>,
}

/// What a choice depends on.
pub struct Wish<'a> {
    pub prefer: &'a Prefer,
    pub headers: &'a HeaderMap,
    /// The body of the request: of several examples, the one that resembles it most is taken.
    pub body: Option<&'a Value>,
    pub seed: u64,
    /// Method and address: the same ones get the same generated data.
    pub what: &'a str,
}

pub fn choose<'a>(spec: &Spec, operation: &'a Operation, wish: &Wish<'_>) -> Result<Answer<'a>, Fault> {
    let prefer = wish.prefer;
    let (response, status) = match (prefer.code, &prefer.example) {
        (Some(status), name) => (by_status(operation, status, name.as_deref())?, status),
        (None, Some(name)) => by_example(operation, name)?,
        (None, None) => usual(operation),
    };
    let Some(content) = negotiated(response, status, wish.headers)? else {
        return Ok(Answer { status, media_type: None, value: Value::Null, schema: None });
    };
    let value = match (&prefer.example, prefer.dynamic) {
        (Some(name), _) => named(content, name, operation, response)?,
        (None, true) => made(spec, content, wish).or_else(|| resembling(response, content, status, wish.body)),
        (None, false) => resembling(response, content, status, wish.body).or_else(|| made(spec, content, wish)),
    };
    let value = value.unwrap_or_default();
    Ok(Answer { status, media_type: Some(&content.media_type), value, schema: content.schema.as_ref() })
}

/// The response of success that comes first.
fn usual(operation: &Operation) -> (&Response, StatusCode) {
    const NOTHING: &Response = &Response { status: String::new(), contents: Vec::new() };
    let success = operation.responses.iter().filter(|it| it.status.starts_with('2')).min_by_key(|it| &it.status);
    let rest = || operation.responses.iter().find(|it| it.status == "default").or(operation.responses.first());
    let response = success.or_else(rest).unwrap_or(NOTHING);
    (response, response.status.parse().unwrap_or(StatusCode::OK))
}

/// The response that stands for a status, of several the one that has the example, if one is wished for.
fn by_status<'a>(operation: &'a Operation, status: StatusCode, example: Option<&str>) -> Result<&'a Response, Fault> {
    // `default` stands for failures wherever successes are declared.
    let succeeds = operation.responses.iter().any(|it| it.status.starts_with('2'));
    let is_meant = |rank: &u8| *rank > 0 || !status.is_success() || !succeeds;
    let fitting = operation.responses.iter().filter_map(|it| it.fits(status).filter(is_meant).map(|rank| (rank, it)));
    let has_example = |response: &Response| {
        let mut examples = response.contents.iter().flat_map(|content| &content.examples);
        example.is_some_and(|wanted| examples.any(|(name, _)| name == wanted))
    };
    let (_, response) = fitting.max_by_key(|(rank, it)| (has_example(it), *rank)).ok_or_else(|| {
        let declared: Vec<&str> = operation.responses.iter().map(|it| it.status.as_str()).collect();
        not_declared(format!("{} declares no {status}, only {}.", operation.id, declared.join(", ")))
    })?;
    Ok(response)
}

fn by_example<'a>(operation: &'a Operation, name: &str) -> Result<(&'a Response, StatusCode), Fault> {
    let mut responses: Vec<&Response> = operation.responses.iter().collect();
    // Successes first, what is common to all operations last.
    responses.sort_by_key(|it| (it.status == "default", !it.status.starts_with('2')));
    let found = responses.into_iter().find_map(|response| {
        let examples = response.contents.iter().flat_map(|content| &content.examples);
        let (_, example) = examples.into_iter().find(|(it, _)| it == name)?;
        let told = || u16::try_from(example.get("status")?.as_u64()?).ok();
        let status = response.status.parse::<u16>().ok().or_else(told).unwrap_or(200);
        Some((response, StatusCode::from_u16(status).unwrap_or(StatusCode::OK)))
    });
    found.ok_or_else(|| not_declared(format!("{} has no example named {name}.", operation.id)))
}

fn not_declared(detail: String) -> Fault {
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "prefer_not_declared", detail)
}

/// The content that the client takes; `None` when the response has none. Failures are sent whatever it takes.
fn negotiated<'a>(
    response: &'a Response,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<&'a Content>, Fault> {
    let Some(first) = response.contents.first() else { return Ok(None) };
    let lines = headers.get_all(ACCEPT).into_iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<String> = lines
        .flat_map(|line| line.split(','))
        .filter(|range| !range.split(';').any(|part| matches!(part.trim(), "q=0" | "q=0.0")))
        .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .filter(|range| !range.is_empty())
        .collect();
    if ranges.is_empty() || !status.is_success() {
        return Ok(Some(first));
    }
    let takes = |content: &&Content| {
        let media_type = content.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        ranges.iter().any(|range| {
            *range == media_type
                || range == "*/*"
                || range.strip_suffix('*').is_some_and(|start| media_type.starts_with(start))
        })
    };
    let offered = || response.contents.iter().map(|it| it.media_type.as_str()).collect::<Vec<_>>().join(", ");
    response.contents.iter().find(takes).map(Some).ok_or_else(|| {
        Fault::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", format!("This answers as {}.", offered()))
    })
}

fn named(content: &Content, name: &str, operation: &Operation, response: &Response) -> Result<Option<Value>, Fault> {
    let found = content.examples.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
    found.map(Some).ok_or_else(|| {
        let detail = format!("The {} of {} has no example named {name}.", response.status, operation.id);
        not_declared(detail)
    })
}

/// The example that has most members in common with what was sent; the first one of those.
fn resembling(response: &Response, content: &Content, status: StatusCode, body: Option<&Value>) -> Option<Value> {
    let of_status = |value: &Value| {
        let told = value.get("status").and_then(Value::as_u64);
        response.status != "default" || status.is_success() || told.is_none_or(|it| it == u64::from(status.as_u16()))
    };
    let fitting: Vec<&Value> = content.examples.iter().map(|(_, it)| it).filter(|it| of_status(it)).collect();
    let sent = body.and_then(Value::as_object);
    let common = |example: &Value| {
        sent.map_or(0, |sent| sent.iter().filter(|(name, value)| example.get(name) == Some(value)).count())
    };
    let most = fitting.iter().map(|it| common(it)).max()?;
    fitting.into_iter().find(|it| common(it) == most).cloned()
}

fn made(spec: &Spec, content: &Content, wish: &Wish<'_>) -> Option<Value> {
    generate::value(spec, content.schema.as_ref()?, wish.seed, wish.what)
}

/// Puts tokens that the mock knows where an answer carries some: those of whom the request names, else of the first.
pub fn put_tokens(tokens: &Tokens, body: Option<&Value>, caller: Option<&str>, value: &mut Value) {
    if tokens.members.is_empty() {
        return;
    }
    let named = tokens.known.iter().find(|(_, claims)| {
        let claims = claims.as_object().into_iter().flatten();
        claims.into_iter().any(|(name, claim)| body.and_then(|it| it.get(name)) == Some(claim))
    });
    let token = named.map(|(token, _)| token.as_str()).or(caller);
    let Some(token) = token.or_else(|| tokens.known.first().map(|(token, _)| token.as_str())) else { return };
    replace(&tokens.members, token, value);
}

fn replace(members: &[String], token: &str, value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if value.is_string() && members.contains(name) {
                    *value = token.into();
                } else {
                    replace(members, token, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(members, token, item)),
        _ => {}
    }
}
