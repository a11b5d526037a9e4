//! What the extensions of a spec say, worked out for one moment: the frames of a reply, of a push, of a refusal.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::hub::Hub;
use super::pointer::{put, remove};
use crate::dice::Dice;
use crate::generate;
use crate::spec::{Channel, Message, Push, Spec};

/// Things that may be counted; past it, numbers start anew.
pub const COUNTED_MAX: usize = 10_000;

/// What expressions may ask for.
pub struct Moment<'a> {
    pub spec: &'a Spec,
    pub hub: &'a Hub,
    pub seed: u64,
    pub now: Timestamp,
    /// What is known of the caller.
    pub caller: &'a Value,
    pub command: &'a Value,
    pub reply: &'a Value,
}

/// Numbers that go on, by counter and by what is counted.
pub type Counters = BTreeMap<String, BTreeMap<String, u64>>;

impl Moment<'_> {
    /// What an expression stands for; `None`: it leads nowhere. What is no expression stands for itself.
    pub fn value(&self, expression: &Value, target: Option<(&Message, &str)>) -> Option<Value> {
        match expression {
            Value::String(text) => match text.strip_prefix('$') {
                Some(literal) if literal.starts_with('$') => Some(literal.into()),
                Some(expression) => self.meant(expression, target),
                None => self.filled(text).map(Value::String),
            },
            Value::Array(items) => items.iter().map(|item| self.value(item, None)).collect::<Option<_>>(),
            Value::Object(members) => {
                let members = members.iter().filter_map(|(name, it)| Some((name.clone(), self.value(it, None)?)));
                Some(Value::Object(members.collect::<Map<_, _>>()))
            }
            _ => Some(expression.clone()),
        }
    }

    /// A text with the expressions in its braces put in place: `presence:{$caller#/user}`.
    fn filled(&self, template: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{$") {
            let (expression, after) = after.split_once('}')?;
            filled.push_str(before);
            filled.push_str(&text(&self.meant(expression, None)?));
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn meant(&self, expression: &str, target: Option<(&Message, &str)>) -> Option<Value> {
        if let Some((from, pointer)) = expression.split_once('#')
            && let Some(from) = match from {
                "command" => Some(self.command),
                "reply" => Some(self.reply),
                "caller" => Some(self.caller),
                _ => None,
            }
        {
            return from.pointer(pointer).cloned();
        }
        let (name, rest) = expression.split_once(':').unwrap_or((expression, ""));
        match name {
            "now" => {
                let later = SignedDuration::from_millis(rest.parse().unwrap_or(0));
                Some(format!("{:.3}", self.now.checked_add(later).ok()?).into())
            }
            "new" => {
                let (message, pointer) = target?;
                let what = format!("{} {pointer} {}", message.name, self.hub.next_unique());
                generate::part(self.spec, &message.schema, pointer, &mut Dice::new(self.seed, &what))
            }
            "next" | "last" => {
                let (counter, of) = rest.split_once(':').unwrap_or((rest, ""));
                let of = text(&self.value(&of.into(), None)?);
                let number = if name == "next" { self.hub.count(counter, &of) } else { self.hub.last(counter, &of) };
                Some(number.into())
            }
            "counters" => serde_json::to_value(self.hub.counted(rest)).ok(),
            _ => None,
        }
    }

    /// A message: its example, with what `set` says in place; the bare example, if it would not be valid then.
    pub fn frame(&self, message: &Message, example: Option<&str>, set: &BTreeMap<String, Value>) -> Value {
        self.set(message, example, set).unwrap_or_else(|start| start)
    }

    fn set(&self, message: &Message, example: Option<&str>, set: &BTreeMap<String, Value>) -> Result<Value, Value> {
        let named = example.and_then(|name| message.examples.iter().find(|(it, _)| it == name));
        let found = named.or(message.examples.first()).map(|(_, value)| value.clone());
        let made = || generate::value(self.spec, &message.schema, self.seed, &message.name);
        let Some(start) = found.or_else(made) else { return Err(Value::Null) };
        let mut frame = start.clone();
        for (pointer, expression) in set {
            match self.value(expression, Some((message, pointer))) {
                Some(value) => put(&mut frame, pointer, value),
                None => remove(&mut frame, pointer),
            }
        }
        if let Err(unfit) = message.schema.check(&frame) {
            tracing::debug!(message = message.name, at = unfit.pointer, "what x-mock says does not fit: {}", unfit.why);
            return Err(start);
        }
        Ok(frame)
    }

    /// What is pushed; `None` when that would not be valid.
    pub fn push(&self, channel: &Channel, push: &Push) -> Option<Value> {
        self.set(channel.messages.get(&push.message)?, push.example.as_deref(), &push.set).ok()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Why a command is refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub pointer: Option<String>,
    pub retry: bool,
}

impl Refusal {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), pointer: None, retry: false }
    }

    pub fn at(self, pointer: &str) -> Self {
        Self { pointer: Some(pointer.to_owned()).filter(|it| !it.is_empty()), ..self }
    }

    /// The frame that says so, in the words of the channel's error message.
    pub fn frame(&self, channel: &Channel, id: Option<&Value>) -> Value {
        let message = channel.error.as_ref().and_then(|name| channel.messages.get(name));
        let examples = message.map(|it| it.examples.as_slice()).unwrap_or_default();
        let is_it = |example: &Value| example.pointer("/error/code").is_some_and(|it| *it == self.code);
        let known = examples.iter().map(|(_, example)| example).find(|it| is_it(it));
        let mut frame = known.or(examples.first().map(|(_, it)| it)).cloned().unwrap_or_else(|| Map::new().into());
        put(&mut frame, "/error/code", self.code.as_str().into());
        put(&mut frame, "/error/message", self.message.as_str().into());
        put(&mut frame, "/error/retry", self.retry.into());
        match &self.pointer {
            Some(pointer) => put(&mut frame, "/error/pointer", pointer.as_str().into()),
            None => remove(&mut frame, "/error/pointer"),
        }
        if known.is_none() {
            remove(&mut frame, "/error/retry_after_ms");
        }
        match id {
            Some(id) => put(&mut frame, &channel.correlation, id.clone()),
            None => remove(&mut frame, &channel.correlation),
        }
        frame
    }
}
