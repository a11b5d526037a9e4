//! Holds schemas, examples, types, openapi, asyncapi and error codes against each other.

mod asyncapi;
mod codes;
mod events;
mod examples;
mod openapi;
mod references;
mod schemas;

use std::sync::LazyLock;

use ::schemas::contract::Documents;
use serde_json::Value;

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| Documents::load().expect("the specs can be read"));

/// What is wrong, all of it at once: whoever adds a payload wants the whole list.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, fault: impl Into<String>) {
        self.0.push(fault.into());
    }

    fn check(&mut self, place: &str, result: Result<(), impl ToString>) {
        if let Err(fault) = result {
            self.add(format!("{place}: {}", fault.to_string()));
        }
    }

    #[track_caller]
    fn assert_none(self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// Calls `visit` with every object within `value` and its JSON pointer.
fn each_object(value: &Value, place: &str, visit: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(place, members);
            members.iter().for_each(|(name, value)| each_object(value, &format!("{place}/{name}"), visit));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| each_object(value, &format!("{place}/{at}"), visit));
        }
        _ => {}
    }
}
