//! Whether a request is what its operation takes.

use axum::body::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Number, Value};

use super::fault::Fault;
use crate::spec::{Operation, Parameter, Place, Rest, Scheme};

/// Largest request body, in bytes; the same as the real server's.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The parts of a request in which parameters stand.
pub struct Given<'a> {
    pub headers: &'a HeaderMap,
    pub query: Vec<(String, String)>,
    pub variables: &'a [(String, String)],
}

impl<'a> Given<'a> {
    pub fn new(uri: &Uri, headers: &'a HeaderMap, variables: &'a [(String, String)]) -> Self {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Self { headers, query, variables }
    }

    fn all(&self, place: Place, name: &str) -> Vec<String> {
        let of = |pairs: &[(String, String)]| {
            pairs.iter().filter(|(it, _)| it == name).map(|(_, value)| value.clone()).collect()
        };
        match place {
            Place::Path => of(self.variables),
            Place::Query => of(&self.query),
            Place::Header => {
                let lines = self.headers.get_all(name).into_iter();
                lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
            }
            Place::Cookie => {
                let lines = self.headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
                let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
                pairs.filter(|(it, _)| *it == name).map(|(_, value)| value.to_owned()).collect()
            }
        }
    }

    /// The token of a caller that the operation lets in: `None` when it asks for none.
    pub fn caller(&self, operation: &Operation, rest: &Rest) -> Result<Option<String>, Fault> {
        if operation.security.is_empty() || operation.security.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let refused = |code: &str| {
            let known: Vec<&str> = rest.tokens.known.iter().map(|(token, _)| token.as_str()).collect();
            let detail = format!("This needs a mock token: one of {}.", known.join(", "));
            let fault = operation.fault(StatusCode::UNAUTHORIZED, code, detail);
            fault.with(WWW_AUTHENTICATE, "Bearer")
        };
        let mut found = None;
        for choice in &operation.security {
            let tokens: Vec<String> = choice.iter().filter_map(|scheme| self.token(scheme)).collect();
            if tokens.len() == choice.len() {
                found = tokens.into_iter().next();
                break;
            }
        }
        let token = found.ok_or_else(|| refused("unauthenticated"))?;
        let claims = rest.tokens.claims(&token).ok_or_else(|| refused("unauthenticated"))?;
        match claims.get("refused").and_then(Value::as_str) {
            Some(code) => Err(refused(code)),
            None => Ok(Some(token)),
        }
    }

    fn token(&self, scheme: &Scheme) -> Option<String> {
        let credentials = |kind: &str| {
            let value = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
            let (given, rest) = value.split_once(' ')?;
            given.eq_ignore_ascii_case(kind).then(|| rest.trim().to_owned())
        };
        match scheme {
            Scheme::Bearer => credentials("bearer"),
            Scheme::Basic => {
                let decoded = BASE64_STANDARD.decode(credentials("basic")?).ok()?;
                let text = String::from_utf8(decoded).ok()?;
                text.split_once(':').map(|(_, password)| password.to_owned())
            }
            Scheme::Key(place, name) => self.all(*place, name).into_iter().next(),
        }
    }

    /// Checks the parameters in `place`.
    pub fn check(&self, operation: &Operation, place: Place) -> Result<(), Fault> {
        for parameter in operation.parameters.iter().filter(|it| it.place == place) {
            let texts = self.all(place, &parameter.name);
            let problem = if texts.is_empty() && parameter.kinds.first().is_none_or(|kind| kind != "object") {
                parameter.required.then(|| format!("{} is missing", parameter.name))
            } else if let Some(schema) = &parameter.schema {
                let value = read(parameter, &texts, &self.query);
                value
                    .and_then(|value| schema.check(&value).err())
                    .map(|unfit| format!("{}: {}", parameter.name, unfit.why))
            } else {
                None
            };
            if let Some(why) = problem {
                return Err(refused(operation, parameter, why));
            }
        }
        Ok(())
    }
}

/// What does not parse as the id that it should be is no address of anything.
fn refused(operation: &Operation, parameter: &Parameter, why: String) -> Fault {
    let own = format!("invalid_{}", parameter.name.to_ascii_lowercase().replace('-', "_"));
    let usual = match parameter.place {
        Place::Path => {
            let why = "There is nothing at this address.";
            return operation.fault(StatusCode::NOT_FOUND, "not_found", why);
        }
        Place::Query => "invalid_query",
        Place::Header => "invalid_header",
        Place::Cookie => "invalid_cookie",
    };
    if operation.declares(&own) {
        return operation.fault(StatusCode::UNPROCESSABLE_ENTITY, &own, why);
    }
    operation.fault_telling(StatusCode::UNPROCESSABLE_ENTITY, usual, why)
}

/// The texts of a parameter as the JSON that its schema is about.
fn read(parameter: &Parameter, texts: &[String], query: &[(String, String)]) -> Option<Value> {
    let is = |kind: &str| parameter.kinds.iter().any(|it| it == kind);
    if is("array") {
        let split = |text: &String| text.split(',').map(ToOwned::to_owned).collect::<Vec<_>>();
        let parts = if parameter.explode { texts.to_vec() } else { texts.iter().flat_map(split).collect() };
        return Some(parts.iter().map(|text| scalar(&parameter.item_kinds, text)).collect());
    }
    if is("object") {
        // `style: deepObject`: `where[city]=Paris`.
        let start = format!("{}[", parameter.name);
        let members = query.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(&start)?.strip_suffix(']')?;
            Some((name.to_owned(), Value::String(value.clone())))
        });
        let members: Map<String, Value> = members.collect();
        // Other styles are let pass as they are.
        return (!members.is_empty()).then_some(Value::Object(members));
    }
    texts.last().map(|text| scalar(&parameter.kinds, text))
}

fn scalar(kinds: &[String], text: &str) -> Value {
    let is = |kind: &str| kinds.iter().any(|it| it == kind);
    let number = || {
        let whole = text.parse::<i64>().ok().map(Number::from);
        whole.or_else(|| Number::from_f64(text.parse::<f64>().ok()?)).map(Value::Number)
    };
    match text {
        "true" | "false" if is("boolean") => Value::Bool(text == "true"),
        _ if is("integer") || is("number") => number().unwrap_or_else(|| text.into()),
        _ => text.into(),
    }
}

/// Reads the body and checks it. `None` for no body, or for one that is no JSON.
pub async fn body(operation: &Operation, headers: &HeaderMap, body: Body) -> Result<Option<Value>, Fault> {
    let bytes = whole(operation, headers, body).await?;
    let Some(wanted) = &operation.body else { return Ok(None) };
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if bytes.is_empty() && given.is_none() && !wanted.required {
        return Ok(None);
    }
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let content = wanted.contents.iter().find(|content| {
        let (wanted, given) = (essence(&content.media_type), essence(given.unwrap_or_default()));
        wanted == given || wanted == "*/*" || wanted.strip_suffix('*').is_some_and(|start| given.starts_with(start))
    });
    let Some(content) = content else {
        let kinds: Vec<&str> = wanted.contents.iter().map(|it| it.media_type.as_str()).collect();
        let detail = format!("Send the body as {}.", kinds.join(" or "));
        return Err(operation.fault_telling(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    };
    if !content.is_json() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| operation.fault_telling(StatusCode::BAD_REQUEST, "malformed_json", error.to_string()))?;
    match content.schema.as_ref().map(|schema| schema.check(&value)) {
        Some(Err(unfit)) => Err(operation.unfit(&unfit)),
        _ => Ok(Some(value)),
    }
}

async fn whole(operation: &Operation, headers: &HeaderMap, body: Body) -> Result<Bytes, Fault> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let too_large = || {
        let detail = format!("A body holds {BODY_BYTES_MAX} bytes at most.");
        operation.fault(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    if announced.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => {
            let detail = "The body ended early.".to_owned();
            Err(operation.fault_telling(StatusCode::BAD_REQUEST, "malformed_json", detail))
        }
    }
}
