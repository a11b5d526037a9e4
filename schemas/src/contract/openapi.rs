//! What `openapi/openapi.yaml` says.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::{Compiler, Documents, Schema, SpecError};

const ROOT: &str = "openapi/openapi.yaml";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// The template: `/v1/rooms/{room}`.
    pub path: String,
    pub tags: Vec<String>,
    /// Whether it needs an access token.
    pub secured: bool,
    /// Whether it honours an `Idempotency-Key`.
    pub creates: bool,
    /// Names of the path's variables that are declared.
    pub variables: Vec<String>,
    pub request: Option<Body>,
    /// By status, or `default`. No body: an answer without content.
    pub responses: BTreeMap<String, Option<Body>>,
}

/// The content of a request or a response.
#[derive(Debug, Clone)]
pub struct Body {
    pub media_type: String,
    /// Bytes that no schema describes: neither `schema` nor `examples` say anything.
    pub binary: bool,
    /// The schema as it stands, with absolute references.
    pub raw: Value,
    pub schema: Schema,
    pub examples: BTreeMap<String, Value>,
}

impl Body {
    /// Codes of the examples, when they are problems.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.examples.values().filter_map(|example| example.get("code")?.as_str())
    }
}

/// All operations, in the order of their paths.
pub(super) fn operations(documents: &Documents, compiler: &mut Compiler) -> Result<Vec<Operation>, SpecError> {
    let root = documents.get(ROOT)?;
    let secured_unless_told = root.get("security").and_then(Value::as_array).is_some_and(|needs| !needs.is_empty());
    let paths = documents.expand(ROOT, root.get("paths").unwrap_or(&Value::Null))?;
    let mut operations = Vec::new();
    for (path, item) in paths.as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(spec) = item.get(method) else { continue };
            let place = format!("{method} {path}");
            let parameters =
                || [item, spec].into_iter().filter_map(|level| level.get("parameters")?.as_array()).flatten();
            let text = |name: &str| spec.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            operations.push(Operation {
                id: text("operationId").ok_or_else(|| SpecError::spec(&place, "no operationId"))?,
                method: method.to_uppercase().parse().map_err(|_| SpecError::spec(&place, "no method"))?,
                path: path.clone(),
                tags: texts(spec.get("tags")),
                secured: match spec.get("security").and_then(Value::as_array) {
                    Some(needs) => !needs.is_empty(),
                    None => secured_unless_told,
                },
                creates: parameters().any(|it| it.get("name").is_some_and(|name| name == "Idempotency-Key")),
                variables: parameters()
                    .filter(|it| it.get("in").is_some_and(|place| place == "path"))
                    .filter_map(|it| it.get("name")?.as_str().map(ToOwned::to_owned))
                    .collect(),
                request: match spec.get("requestBody") {
                    Some(request) => body(compiler, &place, request)?,
                    None => None,
                },
                responses: responses(compiler, &place, spec)?,
            });
        }
    }
    Ok(operations)
}

fn responses(compiler: &mut Compiler, place: &str, spec: &Value) -> Result<BTreeMap<String, Option<Body>>, SpecError> {
    let responses = spec.get("responses").and_then(Value::as_object);
    let responses = responses.ok_or_else(|| SpecError::spec(place, "no responses"))?;
    responses
        .iter()
        .map(|(status, response)| Ok((status.clone(), body(compiler, &format!("{place} {status}"), response)?)))
        .collect()
}

fn body(compiler: &mut Compiler, place: &str, holder: &Value) -> Result<Option<Body>, SpecError> {
    let Some(content) = holder.get("content").and_then(Value::as_object) else { return Ok(None) };
    let binary = !content.is_empty() && content.values().all(|it| it.get("schema").is_none());
    if binary {
        let types: Vec<&str> = content.keys().map(String::as_str).collect();
        let raw = Value::Bool(true);
        let schema = compiler.compile(&raw).map_err(|error| SpecError::spec(place, error.to_string()))?;
        return Ok(Some(Body { media_type: types.join(", "), binary, raw, schema, examples: BTreeMap::new() }));
    }
    let mut kinds = content.iter();
    let (Some((media_type, content)), None) = (kinds.next(), kinds.next()) else {
        return Err(SpecError::spec(place, "a body of JSON has exactly one media type"));
    };
    let raw = content.get("schema").ok_or_else(|| SpecError::spec(place, "a body without a schema"))?;
    let examples = content.get("examples").and_then(Value::as_object).into_iter().flatten();
    Ok(Some(Body {
        media_type: media_type.clone(),
        binary,
        raw: raw.clone(),
        schema: compiler.compile(raw).map_err(|error| SpecError::spec(place, error.to_string()))?,
        examples: examples
            .map(|(name, example)| (name.clone(), example.get("value").cloned().unwrap_or(Value::Null)))
            .collect(),
    }))
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}
