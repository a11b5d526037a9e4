//! What an OpenAPI 3.1 document says.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::Value;

use super::{Compiler, Documents, Examples, Node, Schema, SpecError};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// What every mock knows when its spec names no tokens.
const USUAL_TOKENS: [&str; 4] = ["mock-ada", "mock-ben", "mock-cleo", "mock-dana"];

/// The REST half of a spec.
#[derive(Debug, Default)]
pub struct Rest {
    pub title: String,
    /// In the order of their paths.
    pub operations: Vec<Operation>,
    /// What the path of the first server adds before every path: `/v1`. Requests may have it or not.
    pub base: String,
    pub tokens: Tokens,
}

/// Who a caller may say to be.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Token and what is known of its owner (`x-mock-tokens` of a security scheme).
    pub known: Vec<(String, Value)>,
    /// Members of answers that carry a token, of which the mock puts in one that it knows (`x-mock-token-members`).
    pub members: Vec<String>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { known: USUAL_TOKENS.map(|name| (name.to_owned(), Value::Null)).into(), members: Vec::new() }
    }
}

impl Tokens {
    pub fn claims(&self, token: &str) -> Option<&Value> {
        self.known.iter().find(|(known, _)| known == token).map(|(_, claims)| claims)
    }
}

#[derive(Debug)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// The template: `/v1/rooms/{room}`.
    pub path: String,
    pub summary: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<RequestBody>,
    pub responses: Vec<Response>,
    /// One of these is needed, each made of schemes; none: no authentication.
    pub security: Vec<Vec<Scheme>>,
}

#[derive(Debug)]
pub struct RequestBody {
    pub required: bool,
    pub contents: Vec<Content>,
}

/// A body of one media type.
#[derive(Debug)]
pub struct Content {
    pub media_type: String,
    pub schema: Option<Schema>,
    pub examples: Examples,
}

impl Content {
    pub fn is_json(&self) -> bool {
        let essence = self.media_type.split(';').next().unwrap_or_default().trim();
        essence.ends_with("/json") || essence.ends_with("+json")
    }
}

#[derive(Debug)]
pub struct Response {
    /// `200`, `4XX` or `default`.
    pub status: String,
    pub contents: Vec<Content>,
}

impl Response {
    /// How well this response stands for `status`: itself before its class before the default.
    pub fn fits(&self, status: StatusCode) -> Option<u8> {
        match self.status.as_str() {
            "default" => Some(0),
            class if class.ends_with("XX") => class.starts_with(&status.as_str()[..1]).then_some(1),
            own => (own == status.as_str()).then_some(2),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub place: Place,
    pub required: bool,
    pub explode: bool,
    pub schema: Option<Schema>,
    /// What texts are to be read as, by the schema.
    pub kinds: Vec<String>,
    pub item_kinds: Vec<String>,
}

/// Where a request carries its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    Bearer,
    Basic,
    Key(Place, String),
}

/// The place of a parameter or of a key.
trait PlaceName {
    fn place(&self) -> Option<Place>;
}

impl PlaceName for &str {
    fn place(&self) -> Option<Place> {
        match *self {
            "path" => Some(Place::Path),
            "query" => Some(Place::Query),
            "header" => Some(Place::Header),
            "cookie" => Some(Place::Cookie),
            _ => None,
        }
    }
}

pub fn read(documents: &Documents, root: &str, compiler: &mut Compiler) -> Result<Rest, SpecError> {
    let missing = || SpecError::spec(root, "it is empty");
    let node = documents.node(root, "").ok_or_else(missing)?;
    if !node.text("openapi").is_some_and(|version| version.starts_with("3.")) {
        return Err(SpecError::spec(root, "it is no OpenAPI 3 document: the member `openapi` says otherwise"));
    }
    let schemes = schemes(&node);
    let mut operations = Vec::new();
    for (path, item) in node.at("paths").map(|paths| paths.children()).unwrap_or_default() {
        for method in METHODS {
            let Some(spec) = item.at(method) else { continue };
            let place = format!("{method} {path}");
            let wrong = |error: SpecError| SpecError::spec(&place, error.to_string());
            let mut parameters: BTreeMap<(String, String), Parameter> = BTreeMap::new();
            for level in [&item, &spec] {
                for (_, node) in level.at("parameters").map(|it| it.children()).unwrap_or_default() {
                    let Some(parameter) = parameter(&node, compiler).map_err(wrong)? else { continue };
                    parameters.insert((format!("{:?}", parameter.place), parameter.name.clone()), parameter);
                }
            }
            let security = spec.value.get("security").or_else(|| node.value.get("security"));
            let mut responses = Vec::new();
            for (status, node) in spec.at("responses").map(|it| it.children()).unwrap_or_default() {
                responses.push(Response { status, contents: contents(&node, compiler).map_err(wrong)? });
            }
            operations.push(Operation {
                id: spec.text("operationId").map_or_else(|| place.clone(), ToOwned::to_owned),
                method: Method::from_bytes(method.to_ascii_uppercase().as_bytes())
                    .map_err(|error| SpecError::spec(&place, error.to_string()))?,
                path: path.clone(),
                summary: spec.text("summary").unwrap_or_default().to_owned(),
                parameters: parameters.into_values().collect(),
                body: match spec.at("requestBody") {
                    Some(node) => Some(RequestBody {
                        required: node.value.get("required").and_then(Value::as_bool).unwrap_or(false),
                        contents: contents(&node, compiler).map_err(wrong)?,
                    }),
                    None => None,
                },
                responses,
                security: security.map(|needs| needed(needs, &schemes)).unwrap_or_default(),
            });
        }
    }
    let server = node.value.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    Ok(Rest {
        title: node.value.pointer("/info/title").and_then(Value::as_str).unwrap_or("An API").to_owned(),
        operations,
        base: base(server),
        tokens: tokens(&node),
    })
}

/// The path of a server's URL.
fn base(server: &str) -> String {
    let path = match server.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |start| &rest[start..]),
        None => server,
    };
    if path.contains('{') { String::new() } else { path.trim_end_matches('/').to_owned() }
}

fn schemes(root: &Node<'_>) -> BTreeMap<String, Scheme> {
    let components = root.at("components").and_then(|it| it.at("securitySchemes"));
    let named = components.map(|it| it.children()).unwrap_or_default();
    let read = |node: &Node<'_>| match (node.text("type")?, node.text("scheme")) {
        ("http", Some(scheme)) if scheme.eq_ignore_ascii_case("basic") => Some(Scheme::Basic),
        ("http" | "oauth2" | "openIdConnect", _) => Some(Scheme::Bearer),
        ("apiKey", _) => Some(Scheme::Key(node.text("in")?.place()?, node.text("name")?.to_owned())),
        _ => None,
    };
    named.into_iter().filter_map(|(name, node)| Some((name, read(&node)?))).collect()
}

fn needed(needs: &Value, schemes: &BTreeMap<String, Scheme>) -> Vec<Vec<Scheme>> {
    let choices = needs.as_array().into_iter().flatten().filter_map(Value::as_object);
    choices.map(|all| all.keys().filter_map(|name| schemes.get(name).cloned()).collect()).collect()
}

fn tokens(root: &Node<'_>) -> Tokens {
    let components = root.at("components").and_then(|it| it.at("securitySchemes"));
    let mut tokens = Tokens { known: Vec::new(), members: Vec::new() };
    for (_, scheme) in components.map(|it| it.children()).unwrap_or_default() {
        for (token, node) in scheme.at("x-mock-tokens").map(|it| it.children()).unwrap_or_default() {
            tokens.known.push((token, node.value.clone()));
        }
        let members = scheme.value.get("x-mock-token-members").and_then(Value::as_array).into_iter().flatten();
        tokens.members.extend(members.filter_map(|it| it.as_str().map(ToOwned::to_owned)));
    }
    if tokens.known.is_empty() {
        tokens.known = Tokens::default().known;
    }
    tokens
}

fn parameter(node: &Node<'_>, compiler: &mut Compiler) -> Result<Option<Parameter>, SpecError> {
    let (Some(name), Some(place)) = (node.text("name"), node.text("in").and_then(|it| it.place())) else {
        return Ok(None);
    };
    let flag = |name: &str| node.value.get(name).and_then(Value::as_bool);
    let schema = node.raw("schema");
    let meant = node.at("schema");
    let kinds = |node: Option<&Node<'_>>| node.and_then(|it| it.value.get("type")).map(texts).unwrap_or_default();
    Ok(Some(Parameter {
        name: name.to_owned(),
        place,
        required: place == Place::Path || flag("required").unwrap_or(false),
        explode: flag("explode").unwrap_or(matches!(place, Place::Query | Place::Cookie)),
        kinds: kinds(meant.as_ref()),
        item_kinds: kinds(meant.as_ref().and_then(|it| it.at("items")).as_ref()),
        schema: schema.map(|node| compiler.compile(&node)).transpose()?,
    }))
}

fn contents(holder: &Node<'_>, compiler: &mut Compiler) -> Result<Vec<Content>, SpecError> {
    let mut contents = Vec::new();
    for (media_type, node) in holder.at("content").map(|it| it.children()).unwrap_or_default() {
        let schema = node.raw("schema").map(|node| compiler.compile(&node)).transpose()?;
        contents.push(Content { media_type, schema, examples: examples(&node)? });
    }
    Ok(contents)
}

/// The named examples; else the one without a name; else the schema's own.
fn examples(node: &Node<'_>) -> Result<Examples, SpecError> {
    let mut examples = Examples::new();
    for (name, example) in node.at("examples").map(|it| it.children()).unwrap_or_default() {
        if let Some(file) = example.text("externalValue") {
            examples.push((name, example.follow(file)?.value.clone()));
        } else if let Some(value) = example.value.get("value") {
            examples.push((name, value.clone()));
        }
    }
    if examples.is_empty() {
        let schema = node.at("schema");
        let of_schema = schema.as_ref().and_then(|schema| {
            schema.value.get("example").or_else(|| schema.value.get("examples")?.as_array()?.first())
        });
        if let Some(value) = node.value.get("example").or(of_schema) {
            examples.push(("example".to_owned(), value.clone()));
        }
    }
    Ok(examples)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect(),
        _ => Vec::new(),
    }
}
