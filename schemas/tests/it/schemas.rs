//! Schemas are valid, plain, and closed or open by who sends them.

use std::collections::{BTreeMap, BTreeSet};

use schemas::contract::{Compiler, Direction, Validator};
use serde_json::Value;

use crate::{DOCUMENTS, Faults, each_object};

#[test]
fn every_schema_is_valid_2020_12() {
    let mut faults = Faults::default();
    let mut compiler = Compiler::new(&DOCUMENTS).expect("schemas that compile");
    for (file, domain, schema) in DOCUMENTS.schemas() {
        if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
            faults.add(format!("{file}: `$schema` is not 2020-12"));
        }
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            faults.add(format!("{file}: {}: {error}", error.instance_path()));
        }
        for def in schema["$defs"].as_object().into_iter().flat_map(|defs| defs.keys()) {
            faults.check(&format!("{file}#/$defs/{def}"), compiler.definition(domain, def).map(drop));
        }
    }
    faults.assert_none();
}

#[test]
fn objects_are_flat_and_definitions_are_described() {
    let mut faults = Faults::default();
    for (file, _, schema) in DOCUMENTS.schemas() {
        each_object(schema, "", &mut |place, members| {
            for word in ["allOf", "anyOf", "if", "not", "unevaluatedProperties", "$dynamicRef", "$id"] {
                let is_keyword = !place.ends_with("/properties");
                if members.contains_key(word) && is_keyword {
                    faults.add(format!("{file}#{place}: {word} is not used here; see schemas/README.md"));
                }
            }
        });
        for (def, schema) in schema["$defs"].as_object().into_iter().flatten() {
            if schema["description"].as_str().is_none_or(str::is_empty) {
                faults.add(format!("{file}#/$defs/{def}: no description"));
            }
        }
    }
    faults.assert_none();
}

/// Definitions of objects that are reached from `schema`, by address.
fn reached(schema: &Value, into: &mut BTreeSet<String>) {
    each_object(schema, "", &mut |_, members| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let (file, pointer) = reference.split_once('#').expect("a reference with a place");
            let file = file.strip_prefix("https://plaza.invalid/").expect("an absolute reference");
            let (_, meant) = DOCUMENTS.resolve(file, &format!("#{pointer}")).expect("a reference that leads somewhere");
            if into.insert(format!("{file}#{pointer}")) {
                reached(&DOCUMENTS.expand(file, meant).expect("a definition"), into);
            }
        }
    });
}

#[test]
fn what_clients_send_is_closed_and_what_they_receive_is_open() {
    let validator = Validator::load().expect("specs that compile");
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    for operation in validator.operations() {
        operation.request.iter().for_each(|body| reached(&body.raw, &mut sent));
        operation.responses.values().flatten().for_each(|body| reached(&body.raw, &mut received));
    }
    for message in validator.messages() {
        let by_client = matches!(message.direction, Direction::Command { .. });
        reached(&message.raw, if by_client { &mut sent } else { &mut received });
    }
    let mut faults = Faults::default();
    for (places, closed) in [(&sent, true), (&received, false)] {
        for place in places {
            let (file, pointer) = place.split_once('#').expect("an address");
            let (_, schema) = DOCUMENTS.resolve(file, &format!("#{pointer}")).expect("a definition");
            each_object(schema, "", &mut |within, members| {
                let listed =
                    members.get("type").is_some_and(|kind| kind == "object") && members.contains_key("properties");
                let is_closed = members.get("additionalProperties") == Some(&Value::Bool(false));
                if listed && is_closed != closed {
                    let fault = if closed { "clients send it, so close it" } else { "clients receive it, so open it" };
                    faults.add(format!("{place}{within}: {fault} (additionalProperties)"));
                }
            });
        }
    }
    faults.assert_none();
}

#[test]
fn every_definition_is_used() {
    let mut used = BTreeSet::new();
    for (file, value) in DOCUMENTS.iter().filter(|(file, _)| !file.starts_with("schemas/examples/")) {
        each_object(value, "", &mut |_, members| {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                && let Ok((target, _)) = DOCUMENTS.resolve(file, reference)
            {
                used.insert(format!("{target}#{}", reference.split_once('#').map_or("", |(_, pointer)| pointer)));
            }
        });
    }
    let mut faults = Faults::default();
    let defs: BTreeMap<_, _> = DOCUMENTS.schemas().map(|(file, _, schema)| (file, &schema["$defs"])).collect();
    for (file, defs) in defs {
        for def in defs.as_object().into_iter().flat_map(|defs| defs.keys()) {
            if !used.contains(&format!("{file}#/$defs/{def}")) {
                faults.add(format!("{file}#/$defs/{def}: nothing refers to it"));
            }
        }
    }
    faults.assert_none();
}
