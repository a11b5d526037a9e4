//! What an AsyncAPI 3 document says, with the extensions that tell the mock how frames hang together.
//!
//! The extensions are described in `asyncapi/README.md`, "For the mock".

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Compiler, Documents, Examples, Node, Schema, SpecError};

/// Frames that a timeline may have.
const TIMELINE_MAX: usize = 1_000;

/// One address that speaks WebSocket.
#[derive(Debug)]
pub struct Channel {
    pub name: String,
    pub address: String,
    pub subprotocol: Option<String>,
    /// Messages that a new connection gets.
    pub greeting: Vec<String>,
    /// Where a command has the id that its answer carries.
    pub correlation: String,
    /// Where a command has its data: what is wrong there is an invalid command, elsewhere it is none.
    pub data: String,
    /// The message that refuses a command.
    pub error: Option<String>,
    /// The command that has to come first.
    pub first: Option<String>,
    pub first_within_ms: u64,
    pub ping_ms: u64,
    pub closes: Closes,
    /// Where numbering begins: by counter, then by what it counts.
    pub counters: BTreeMap<String, BTreeMap<String, u64>>,
    pub messages: BTreeMap<String, Message>,
    pub commands: Vec<Command>,
    pub timeline: Vec<Push>,
}

/// With which codes connections end.
#[derive(Debug, Clone, Copy)]
pub struct Closes {
    pub protocol: u16,
    pub token: u16,
    pub late: u16,
    pub slow: u16,
}

#[derive(Debug)]
pub struct Message {
    pub name: String,
    pub summary: String,
    pub schema: Schema,
    pub examples: Examples,
    /// Members that tell this message from others: JSON pointer and constant.
    pub constants: Vec<(String, Value)>,
}

/// What the server does when a message comes.
#[derive(Debug)]
pub struct Command {
    pub message: String,
    pub reply: Option<String>,
    /// Where the command has a token, which must be one that is known.
    pub token: Option<String>,
    /// Which example is replied with: the first whose condition has a value.
    pub choices: Vec<(Option<Value>, String)>,
    /// What is put into the reply.
    pub set: BTreeMap<String, Value>,
    pub emits: Vec<Push>,
    /// The topic that the connection follows from now on, or no longer.
    pub follow: Option<Value>,
    pub unfollow: Option<Value>,
}

/// A message that the server sends by itself.
#[derive(Debug)]
pub struct Push {
    pub message: String,
    pub example: Option<String>,
    pub to: To,
    pub set: BTreeMap<String, Value>,
    /// Of a timeline: when, counted from its start.
    pub after_ms: u64,
}

/// Who gets what is pushed.
#[derive(Debug, Clone, PartialEq)]
pub enum To {
    Everyone,
    /// All but the connection whose command caused it.
    Others,
    /// All connections of the caller.
    Caller,
    /// The connections that follow the topic.
    Followers(Value),
}

pub fn read(documents: &Documents, root: &str, compiler: &mut Compiler) -> Result<Vec<Channel>, SpecError> {
    let root = documents.node(root, "").ok_or_else(|| SpecError::spec(root, "it is empty"))?;
    if !root.text("asyncapi").is_some_and(|version| version.starts_with("3.")) {
        return Err(SpecError::spec(root.file, "it is no AsyncAPI 3 document: the member `asyncapi` says otherwise"));
    }
    let mut channels = Vec::new();
    for (name, node) in root.at("channels").map(|it| it.children()).unwrap_or_default() {
        let commands = commands(&root, &name)?;
        // Nobody sends anything to a channel without commands: it is no socket, but, for one, a log of events.
        let is_socket = !commands.is_empty() || node.at("x-mock").is_some();
        if let Some(address) = node.text("address").filter(|_| is_socket) {
            let address = format!("/{}", address.trim_start_matches('/'));
            channels.push(channel(name, address, &node, commands, compiler)?);
        }
    }
    Ok(channels)
}

fn channel(
    name: String,
    address: String,
    node: &Node<'_>,
    commands: Vec<Command>,
    compiler: &mut Compiler,
) -> Result<Channel, SpecError> {
    let mut messages = BTreeMap::new();
    for (name, node) in node.at("messages").map(|it| it.children()).unwrap_or_default() {
        let message = message(&name, &node, compiler).map_err(|error| SpecError::spec(&name, error.to_string()))?;
        messages.insert(name, message);
    }
    let nothing = Value::Null;
    let says = node.at("x-mock").map_or(&nothing, |it| it.value);
    let timeline = pushes(&name, node.at("x-timeline").map(|it| it.value))?;
    let text = |name: &str| says.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let number = |pointer: &str, usual: u64| says.pointer(pointer).and_then(Value::as_u64).unwrap_or(usual);
    let code =
        |name: &str, usual: u16| u16::try_from(number(&format!("/closes/{name}"), u64::from(usual))).unwrap_or(usual);
    if timeline.len() > TIMELINE_MAX {
        return Err(SpecError::spec(&name, format!("a timeline has at most {TIMELINE_MAX} frames")));
    }
    let counters = says.get("counters").cloned().map(serde_json::from_value).transpose();
    let channel = Channel {
        subprotocol: text("subprotocol"),
        greeting: texts(says.get("greeting")),
        correlation: text("correlation").unwrap_or_else(|| "/id".to_owned()),
        data: text("data").unwrap_or_default(),
        error: text("error").or_else(|| messages.contains_key("error").then(|| "error".to_owned())),
        first: text("first"),
        first_within_ms: number("/first_within_ms", 10_000),
        ping_ms: number("/ping_ms", 25_000).max(1),
        // RFC 6455, section 7.4.1: policy violation, try again later.
        closes: Closes {
            protocol: code("protocol", 1008),
            token: code("token", 1008),
            late: code("late", 1008),
            slow: code("slow", 1013),
        },
        counters: counters.map_err(|error| SpecError::spec(&name, error.to_string()))?.unwrap_or_default(),
        timeline,
        commands,
        messages,
        address,
        name,
    };
    channel.whole()?;
    Ok(channel)
}

impl Channel {
    /// Every message that the extensions name is there.
    fn whole(&self) -> Result<(), SpecError> {
        let replies = self.commands.iter().flat_map(|it| it.reply.iter().chain([&it.message]));
        let emitted = self.commands.iter().flat_map(|it| &it.emits).chain(&self.timeline).map(|it| &it.message);
        let own = self.greeting.iter().chain(&self.error).chain(&self.first);
        for name in replies.chain(emitted).chain(own) {
            if !self.messages.contains_key(name) {
                return Err(SpecError::spec(&self.name, format!("the channel has no message {name:?}")));
            }
        }
        Ok(())
    }
}

fn message(name: &str, node: &Node<'_>, compiler: &mut Compiler) -> Result<Message, SpecError> {
    let payload = node.raw("payload").ok_or_else(|| SpecError::spec(name, "a message without a payload"))?;
    let mut examples = Examples::new();
    for (number, example) in node.at("examples").map(|it| it.children()).unwrap_or_default() {
        let name = example.text("name").map_or(number, ToOwned::to_owned);
        if let Some(payload) = example.raw("payload") {
            examples.push((name, payload.expanded()?));
        }
    }
    let mut constants = Vec::new();
    find_constants(&payload.meant()?, String::new(), &mut constants);
    Ok(Message {
        name: name.to_owned(),
        summary: node.text("summary").unwrap_or_default().to_owned(),
        schema: compiler.compile(&payload)?,
        examples,
        constants,
    })
}

/// Constants of the message's own members, and of those one deeper: `t`, `op`, `d.type`.
fn find_constants(node: &Node<'_>, pointer: String, found: &mut Vec<(String, Value)>) {
    for (name, member) in node.at("properties").map(|it| it.children()).unwrap_or_default() {
        let place = format!("{pointer}/{name}");
        if let Some(value) = member.value.get("const") {
            found.push((place, value.clone()));
        } else if pointer.is_empty() {
            find_constants(&member, place, found);
        }
    }
}

/// The commands of a channel: operations that receive.
fn commands(root: &Node<'_>, channel: &str) -> Result<Vec<Command>, SpecError> {
    let mut commands = Vec::new();
    for (name, node) in root.at("operations").map(|it| it.children()).unwrap_or_default() {
        let of = node.value.pointer("/channel/$ref").and_then(Value::as_str).and_then(last);
        if of.as_deref() != Some(channel) || node.text("action") != Some("receive") {
            continue;
        }
        let nothing = Value::Null;
        let says = node.at("x-mock").map_or(&nothing, |it| it.value);
        let reply = referred(node.value.pointer("/reply/messages")).into_iter().next();
        let choices = says.get("choose").and_then(Value::as_array).into_iter().flatten();
        let choices = choices
            .filter_map(|choice| Some((choice.get("when").cloned(), choice.get("example")?.as_str()?.to_owned())));
        let choices: Vec<_> = choices.collect();
        for message in referred(node.value.get("messages")) {
            commands.push(Command {
                message,
                reply: reply.clone(),
                token: says.get("token").and_then(Value::as_str).map(ToOwned::to_owned),
                choices: choices.clone(),
                set: members(says.get("set")),
                emits: pushes(&name, says.get("emits"))?,
                follow: says.get("follow").cloned(),
                unfollow: says.get("unfollow").cloned(),
            });
        }
    }
    Ok(commands)
}

fn pushes(place: &str, list: Option<&Value>) -> Result<Vec<Push>, SpecError> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let read = |push: &Value| {
        let text = |name: &str| push.get(name).and_then(Value::as_str);
        let message = text("message").ok_or_else(|| SpecError::spec(place, "a push without a `message`"))?;
        let to = match push.get("to") {
            None => To::Everyone,
            Some(Value::String(to)) if to == "everyone" => To::Everyone,
            Some(Value::String(to)) if to == "others" => To::Others,
            Some(Value::String(to)) if to == "caller" => To::Caller,
            Some(Value::Object(to)) if to.contains_key("followers") => To::Followers(to["followers"].clone()),
            Some(to) => return Err(SpecError::spec(place, format!("nobody is {to}"))),
        };
        Ok(Push {
            message: message.to_owned(),
            example: text("example").map(ToOwned::to_owned),
            to,
            set: members(push.get("set")),
            after_ms: push.get("after_ms").and_then(Value::as_u64).unwrap_or(0),
        })
    };
    list.map(read).collect()
}

fn members(value: Option<&Value>) -> BTreeMap<String, Value> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.map(|(pointer, value)| (pointer.clone(), value.clone())).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}

/// The names of messages that are referred to.
fn referred(references: Option<&Value>) -> Vec<String> {
    let references = references.and_then(Value::as_array).into_iter().flatten();
    references.filter_map(|it| last(it.get("$ref")?.as_str()?)).collect()
}

fn last(reference: &str) -> Option<String> {
    reference.rsplit('/').next().map(|name| name.replace("~1", "/").replace("~0", "~"))
}
