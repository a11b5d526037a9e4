//! Every frame is complete.

use schemas::contract::{Direction, Message, Validator};
use serde_json::Value;

use crate::Faults;

fn messages() -> Vec<Message> {
    let mut messages: Vec<_> = Validator::load().expect("specs that compile").messages().cloned().collect();
    messages.sort_by(|one, other| one.name.cmp(&other.name));
    messages
}

#[test]
fn every_message_is_used_and_has_valid_examples() {
    let mut faults = Faults::default();
    for message in messages() {
        let name = &message.name;
        if message.direction == Direction::Unused {
            faults.add(format!("{name}: no operation uses it"));
        }
        if message.examples.is_empty() {
            faults.add(format!("{name}: no example"));
        }
        for (example, value) in &message.examples {
            faults.check(&format!("{name}, example {example}"), message.schema.check(value));
        }
    }
    faults.assert_none();
}

#[test]
fn names_say_what_a_frame_is() {
    let messages = messages();
    let mut faults = Faults::default();
    for message in messages.iter().filter(|message| message.channel == "socket") {
        let name = &message.name;
        for value in message.examples.values() {
            let said = match message.kind() {
                "command" => value["op"].as_str().unwrap_or_default().to_owned(),
                "event" | "signal" => value.pointer("/d/type").and_then(Value::as_str).unwrap_or_default().to_owned(),
                "reply" => name.clone(),
                kind => value["t"].as_str().map_or_else(|| kind.to_owned(), ToOwned::to_owned),
            };
            if said != *name {
                faults.add(format!("{name}: its example calls itself {said}"));
            }
        }
        match &message.direction {
            Direction::Command { replies } => {
                let wanted = [format!("{name}.reply"), "error".to_owned()];
                if *replies != wanted {
                    faults.add(format!("{name}: is answered by {replies:?} instead of {wanted:?}"));
                }
            }
            Direction::Reply if message.kind() != "reply" && name != "error" => {
                faults.add(format!("{name}: answers, but is no reply"));
            }
            _ => {}
        }
    }
    faults.assert_none();
}

#[test]
fn every_payload_parses_into_its_type() {
    let mut faults = Faults::default();
    for message in messages() {
        // The whole frame, or the member that carries the domain's payload.
        let members = message.raw["properties"].as_object().into_iter().flatten();
        let parts = members.map(|(name, schema)| (format!("/{name}"), schema)).chain([(String::new(), &message.raw)]);
        for (pointer, schema) in parts {
            let named = schema["$ref"].as_str().and_then(|it| it.strip_prefix("https://plaza.invalid/schemas/"));
            let Some((domain, def)) = named.and_then(|it| it.split_once(".schema.json#/$defs/")) else { continue };
            let Some(rust_type) = schemas::all_types().find(|it| it.domain == domain && it.def == def) else {
                continue;
            };
            for (name, example) in &message.examples {
                let Some(value) = example.pointer(&pointer) else { continue };
                match (rust_type.round_trip)(value) {
                    Ok(back) if back == *value => {}
                    Ok(back) => faults.add(format!("{}, example {name}: comes back as {back}", message.name)),
                    Err(error) => faults.add(format!("{}, example {name}: {error}", message.name)),
                }
            }
        }
    }
    faults.assert_none();
}
