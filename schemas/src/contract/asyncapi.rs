//! What `asyncapi/asyncapi.yaml` says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Compiler, Documents, Schema, SpecError};

const ROOT: &str = "asyncapi/asyncapi.yaml";
/// The channel of the WebSocket.
pub(super) const SOCKET: &str = "socket";
/// The channel of business events.
pub(super) const OUTBOX: &str = "outbox";

/// Who sends a message, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// A client commands; these messages may answer.
    Command { replies: Vec<String> },
    /// The server answers a command.
    Reply,
    /// The server says something by itself.
    Push,
    /// No operation uses it.
    Unused,
}

/// One kind of frame, or of business event.
#[derive(Debug, Clone)]
pub struct Message {
    /// `socket`, or `outbox` for business events.
    pub channel: String,
    /// A command's `op`, an event's `type`, or what the envelope calls the frame; a reply is called after its command.
    pub name: String,
    pub direction: Direction,
    /// The schema of the whole payload as it stands, with absolute references.
    pub raw: Value,
    pub schema: Schema,
    pub examples: BTreeMap<String, Value>,
}

impl Message {
    /// What the frame says of itself: `command`, `reply`, `event`, `signal`, or the name of an envelope's own frame.
    pub fn kind(&self) -> &str {
        match (&self.direction, self.raw.pointer("/properties/t/const").and_then(Value::as_str)) {
            (Direction::Command { .. }, _) => "command",
            (_, Some(kind)) => kind,
            (_, None) => &self.name,
        }
    }
}

/// All messages of all channels.
pub(super) fn messages(documents: &Documents, compiler: &mut Compiler) -> Result<Vec<Message>, SpecError> {
    let root = documents.get(ROOT)?;
    let directions = directions(root)?;
    let mut messages = Vec::new();
    for (channel, spec) in root.get("channels").and_then(Value::as_object).into_iter().flatten() {
        for (name, message) in spec.get("messages").and_then(Value::as_object).into_iter().flatten() {
            let message = documents.expand(ROOT, message)?;
            let raw = message.get("payload").ok_or_else(|| SpecError::spec(name, "a message without a payload"))?;
            let key = (channel.clone(), name.clone());
            messages.push(Message {
                channel: channel.clone(),
                name: name.clone(),
                direction: directions.get(&key).cloned().unwrap_or(Direction::Unused),
                raw: raw.clone(),
                schema: compiler.compile(raw).map_err(|error| SpecError::spec(name, error.to_string()))?,
                examples: examples(&message),
            });
        }
    }
    Ok(messages)
}

fn examples(message: &Value) -> BTreeMap<String, Value> {
    let examples = message.get("examples").and_then(Value::as_array).into_iter().flatten().enumerate();
    examples
        .map(|(number, example)| {
            let name = example.get("name").and_then(Value::as_str);
            let name = name.map_or_else(|| number.to_string(), ToOwned::to_owned);
            (name, example.get("payload").cloned().unwrap_or(Value::Null))
        })
        .collect()
}

/// By channel and name of the message.
fn directions(root: &Value) -> Result<BTreeMap<(String, String), Direction>, SpecError> {
    let mut directions = BTreeMap::new();
    let operations = root.get("operations").and_then(Value::as_object);
    for (name, operation) in operations.into_iter().flatten() {
        let replies = messages_of(operation.pointer("/reply/messages"));
        let direction = match operation.get("action").and_then(Value::as_str) {
            Some("receive") => Direction::Command { replies: replies.iter().map(|(_, name)| name.clone()).collect() },
            Some("send") => Direction::Push,
            _ => return Err(SpecError::spec(name, "`action` is `receive` or `send`")),
        };
        for message in messages_of(operation.get("messages")) {
            directions.insert(message, direction.clone());
        }
        for reply in replies {
            directions.entry(reply).or_insert(Direction::Reply);
        }
    }
    Ok(directions)
}

/// The messages that are referred to, by channel and name.
fn messages_of(references: Option<&Value>) -> Vec<(String, String)> {
    let references = references.and_then(Value::as_array).into_iter().flatten();
    references
        .filter_map(|it| {
            let (channel, name) = it.get("$ref")?.as_str()?.strip_prefix("#/channels/")?.split_once("/messages/")?;
            Some((channel.to_owned(), name.to_owned()))
        })
        .collect()
}
