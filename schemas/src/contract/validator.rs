//! Whether an answer or a frame is what the specs say.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use http::{Method, StatusCode};
use serde_json::Value;

use super::asyncapi::{OUTBOX, SOCKET};
use super::{Compiler, Documents, Message, Operation, SpecError, asyncapi, openapi};

/// Where the server and the specs part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Difference(pub String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The specs, compiled. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Validator(Arc<Specs>);

#[derive(Debug)]
struct Specs {
    operations: Vec<Operation>,
    /// By channel and name.
    messages: HashMap<(String, String), Message>,
}

static THIS_REPOSITORY: LazyLock<Result<Validator, SpecError>> = LazyLock::new(Validator::load);

impl Validator {
    /// This repository's specs, read and compiled once a process.
    ///
    /// # Panics
    /// When they cannot be read; `cargo test -p schemas` says more.
    #[must_use]
    pub fn shared() -> &'static Self {
        match &*THIS_REPOSITORY {
            Ok(validator) => validator,
            Err(error) => panic!("the specs cannot be used: {error}"),
        }
    }

    pub fn load() -> Result<Self, SpecError> {
        let documents = Documents::load()?;
        let mut compiler = Compiler::new(&documents)?;
        let operations = openapi::operations(&documents, &mut compiler)?;
        let messages = asyncapi::messages(&documents, &mut compiler)?;
        let messages = messages.into_iter().map(|it| ((it.channel.clone(), it.name.clone()), it)).collect();
        Ok(Self(Arc::new(Specs { operations, messages })))
    }

    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.0.operations
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.0.messages.values()
    }

    /// The operation that serves `path`: a template, or an address with or without a query.
    #[must_use]
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let candidates = self.0.operations.iter().filter(|it| it.method == *method && matches(&it.path, path));
        // `/v1/rooms/changes` is itself before it is a `/v1/rooms/{room}`.
        candidates.min_by_key(|it| it.path.matches('{').count())
    }

    /// Checks the answer to a request. `body` is empty when there was none.
    pub fn answer(&self, method: &Method, path: &str, status: StatusCode, body: &[u8]) -> Result<(), Difference> {
        let told = |why: String| Difference(format!("{method} {path} answered {status}: {why}"));
        let Some(operation) = self.operation(method, path) else {
            return Err(told("openapi has no such operation".to_owned()));
        };
        let own = operation.responses.get(status.as_str());
        let edge = operation.responses.get("default").filter(|_| status.is_client_error() || status.is_server_error());
        let Some(first) = own.or(edge) else {
            return Err(told(format!("{} has no such response", operation.id)));
        };
        let Some(content) = first else {
            return if body.is_empty() { Ok(()) } else { Err(told("this response has no body".to_owned())) };
        };
        if content.binary {
            return Ok(());
        }
        let value: Value =
            serde_json::from_slice(body).map_err(|error| told(format!("the body is no JSON: {error}")))?;
        content.schema.check(&value).map_err(told)?;
        if !status.is_success() {
            let code = value.get("code").and_then(Value::as_str).unwrap_or_default();
            let known = [own, edge].into_iter().flatten().flatten().any(|content| content.codes().any(|it| it == code));
            if !known {
                return Err(told(format!("{} has no example of the code {code}", operation.id)));
            }
        }
        Ok(())
    }

    /// Checks the body of a request, for clients that mean to be right.
    pub fn request(&self, method: &Method, path: &str, body: &[u8]) -> Result<(), Difference> {
        let told = |why: String| Difference(format!("{method} {path}: {why}"));
        let Some(operation) = self.operation(method, path) else {
            return Err(told("openapi has no such operation".to_owned()));
        };
        match (&operation.request, body.is_empty()) {
            (None, true) => Ok(()),
            (None, false) => Err(told("this operation takes no body".to_owned())),
            (Some(content), _) if content.binary => Ok(()),
            (Some(content), _) => {
                let value = serde_json::from_slice(body).map_err(|error| told(error.to_string()))?;
                content.schema.check(&value).map_err(told)
            }
        }
    }

    /// Checks a frame that the server sent. `command` is the name of the command that a reply or an error answers.
    pub fn frame(&self, text: &str, command: Option<&str>) -> Result<(), Difference> {
        let told = |why: String| Difference(format!("{why}, in the frame {text}"));
        let frame: Value = serde_json::from_str(text).map_err(|error| told(error.to_string()))?;
        let kind = frame.get("t").and_then(Value::as_str).unwrap_or_default();
        let name = match (kind, command) {
            ("reply", Some(command)) => format!("{command}.reply"),
            ("reply", None) => return Err(told("a reply to nothing".to_owned())),
            ("event" | "signal", _) => frame.pointer("/d/type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            (kind, _) => kind.to_owned(),
        };
        self.message(SOCKET, &name).and_then(|message| message.schema.check(&frame)).map_err(told)
    }

    /// Checks a frame that a client means to send.
    pub fn command(&self, text: &str) -> Result<(), Difference> {
        let told = |why: String| Difference(format!("{why}, in the command {text}"));
        let frame: Value = serde_json::from_str(text).map_err(|error| told(error.to_string()))?;
        let name = frame.get("op").and_then(Value::as_str).unwrap_or_default();
        self.message(SOCKET, name).and_then(|message| message.schema.check(&frame)).map_err(told)
    }

    /// Checks the payload of a business event.
    pub fn event(&self, kind: &str, payload: &Value) -> Result<(), Difference> {
        let told = |why: String| Difference(format!("{why}, in the event {kind}: {payload}"));
        self.message(OUTBOX, kind).and_then(|message| message.schema.check(payload)).map_err(told)
    }

    fn message(&self, channel: &str, name: &str) -> Result<&Message, String> {
        let message = self.0.messages.get(&(channel.to_owned(), name.to_owned()));
        message.ok_or_else(|| format!("asyncapi has no message {name:?} in the channel {channel}"))
    }
}

/// Whether `path` is an address of `template`, or `template` itself.
fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_its_template_part_by_part() {
        assert!(matches("/v1/rooms/{room}", "/v1/rooms/room_1"));
        assert!(matches("/v1/rooms/{room}", "/v1/rooms/{room}"));
        assert!(!matches("/v1/rooms/{room}", "/v1/rooms/"));
        assert!(!matches("/v1/rooms/{room}", "/v1/rooms/room_1/members"));
        assert!(!matches("/v1/rooms/{room}", "/v1/rooms"));
    }
}
