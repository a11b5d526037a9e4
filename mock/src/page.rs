//! `/__mock`: what is served, for people. No scripts, and nothing from anywhere else.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use crate::Mock;
use crate::rest::Fault;
use crate::spec::{Channel, Operation, Spec};

pub const PATH: &str = "/__mock";
pub const UNDER: &str = "/__mock/";
const STYLE: &str = include_str!("page.css");

pub fn answer(mock: &Mock, spec: &Spec, parts: &Parts) -> Result<Response, Fault> {
    match (&parts.method, parts.uri.path()) {
        (&Method::GET | &Method::HEAD, PATH | UNDER) => Ok(document("text/html; charset=utf-8", html(mock, spec))),
        (&Method::GET | &Method::HEAD, "/__mock/style.css") => Ok(document("text/css", STYLE.to_owned())),
        (&Method::DELETE, "/__mock/memory") => {
            mock.memory.forget();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        (_, PATH | UNDER | "/__mock/style.css") => Err(not_allowed("GET,HEAD")),
        (_, "/__mock/memory") => Err(not_allowed("DELETE")),
        _ => Err(Fault::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")),
    }
}

fn not_allowed(allowed: &str) -> Fault {
    let detail = "This address does not take that method; see the Allow header.";
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).with(ALLOW, allowed)
}

fn document(kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn html(mock: &Mock, spec: &Spec) -> String {
    let title = escaped(&spec.rest.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}: mock</title><link rel=\"stylesheet\" href=\"/__mock/style.css\"></head><body>\n\
         <h1>{title}: mock</h1>\n"
    );
    let tokens = mock.tokens().iter().map(|it| format!("<code>{}</code>", escaped(it))).collect::<Vec<_>>();
    let memory = if mock.settings.remember {
        "What is created, changed and deleted stays so, until <code>DELETE /__mock/memory</code>."
    } else {
        "Nothing is remembered (<code>--remember</code> changes that)."
    };
    let wishes = [
        ("Prefer: code=404", "another response"),
        ("Prefer: example=NAME", "this example"),
        ("Prefer: dynamic=true", "generated data"),
        ("X-Mock-Latency-Ms: 800", "a slow answer"),
        ("X-Mock-Fail-Rate: 0.5", "a failure half of the time"),
    ];
    let wishes = wishes.map(|(header, what)| format!("<li><code>{header}</code>: {what}</li>"));
    add(&mut page, &format!("<p>Tokens: {}. {memory}</p>\n<ul>{}</ul>\n", tokens.join(", "), wishes.join("")));
    add(&mut page, "<h2>REST</h2>\n<table><thead><tr><th>Operation<th>Answers<th>Examples</thead><tbody>\n");
    for operation in &spec.rest.operations {
        add(&mut page, &row(operation));
    }
    add(&mut page, "</tbody></table>\n");
    for channel in &spec.channels {
        add(&mut page, &live(channel));
    }
    add(&mut page, "</body></html>\n");
    page
}

fn row(operation: &Operation) -> String {
    let mut statuses = Vec::new();
    let mut examples = Vec::new();
    for response in &operation.responses {
        statuses.push(escaped(&response.status));
        // Those of `default` are the same everywhere.
        let own = response.contents.iter().filter(|_| response.status != "default");
        let names =
            own.flat_map(|content| &content.examples).map(|(name, _)| format!("<code>{}</code>", escaped(name)));
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            examples.push(format!("{}: {}", escaped(&response.status), names.join(", ")));
        }
    }
    format!(
        "<tr><td><span class=\"method\">{}</span> <code>{}</code><br><small>{}: {}</small><td>{}<td>{}\n",
        operation.method,
        escaped(&operation.path),
        escaped(&operation.id),
        escaped(&operation.summary),
        statuses.join(", "),
        examples.join("<br>"),
    )
}

fn live(channel: &Channel) -> String {
    let mut part = format!("<h2>WebSocket <code>{}</code></h2>\n", escaped(&channel.address));
    if let Some(protocol) = &channel.subprotocol {
        add(&mut part, &format!("<p>Subprotocol <code>{}</code>.</p>\n", escaped(protocol)));
    }
    add(&mut part, "<table><thead><tr><th>Send<th>Get<th>What others get</thead><tbody>\n");
    for command in &channel.commands {
        let example = channel.messages.get(&command.message).and_then(|it| it.examples.first());
        let example =
            example.map(|(_, value)| format!("<pre>{}</pre>", escaped(&value.to_string()))).unwrap_or_default();
        let emits: Vec<String> = command.emits.iter().map(|it| escaped(&it.message)).collect();
        let reply = command.reply.as_deref().map(escaped).unwrap_or_default();
        let name = escaped(&command.message);
        add(&mut part, &format!("<tr><td><code>{name}</code>{example}<td>{reply}<td>{}\n", emits.join(", ")));
    }
    add(&mut part, "</tbody></table>\n");
    if !channel.timeline.is_empty() {
        let frames = channel.timeline.iter().map(|it| format!("<li>{} ms: {}</li>", it.after_ms, escaped(&it.message)));
        add(&mut part, &format!("<h3>By the clock</h3>\n<ol>{}</ol>\n", frames.collect::<String>()));
    }
    let others = channel.messages.values().filter(|it| channel.commands.iter().all(|c| c.message != it.name));
    let names = others.map(|it| format!("<li><code>{}</code> {}</li>", escaped(&it.name), escaped(&it.summary)));
    add(&mut part, &format!("<h3>Messages of the server</h3>\n<ul>{}</ul>\n", names.collect::<String>()));
    part
}

fn add(page: &mut String, text: &str) {
    // Writing to memory does not fail.
    let _ = page.write_str(text);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
