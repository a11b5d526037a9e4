//! Examples, schemas and Rust types say the same.

use std::collections::BTreeSet;

use schemas::Type;
use schemas::contract::Compiler;
use serde_json::{Map, Value, json};

use crate::{DOCUMENTS, Faults};

/// No member of any payload is called so.
const STRANGER: &str = "member_that_nobody_knows";

fn rust_type(domain: &str, def: &str) -> Option<&'static Type> {
    schemas::all_types().find(|it| it.domain == domain && it.def == def)
}

fn definition(domain: &str, def: &str) -> Option<&'static Value> {
    DOCUMENTS.get(&format!("schemas/{domain}.schema.json")).ok()?.get("$defs")?.get(def)
}

/// Whether a definition is more than a text, a number or a list of words.
fn is_compound(schema: &Value) -> bool {
    schema["type"] == "object" || schema.get("oneOf").is_some()
}

#[test]
fn every_definition_has_a_type_and_an_example_and_the_other_way_round() {
    let mut faults = Faults::default();
    let examples: BTreeSet<_> = DOCUMENTS.examples().map(|(_, domain, def, _)| (domain, def)).collect();
    for (_, domain, schema) in DOCUMENTS.schemas() {
        for (def, _) in schema["$defs"].as_object().into_iter().flatten().filter(|(_, it)| is_compound(it)) {
            if rust_type(domain, def).is_none() {
                faults.add(format!("{domain}: no Rust type for {def}; list it in types! of schemas/src/{domain}.rs"));
            }
            if !examples.contains(&(domain, def.as_str())) {
                faults.add(format!("{domain}: no example of {def}; write schemas/examples/{domain}/{def}.….json"));
            }
        }
    }
    for (file, domain, def, _) in DOCUMENTS.examples() {
        if definition(domain, def).is_none() {
            faults.add(format!("{file}: {domain} does not define {def}"));
        }
        if rust_type(domain, def).is_none() {
            faults.add(format!("{file}: no Rust type for {def}"));
        }
    }
    for Type { domain, def, .. } in schemas::all_types() {
        if definition(domain, def).is_none() {
            faults.add(format!("types! {domain}: the schema does not define {def}"));
        }
        if !examples.contains(&(domain, def)) {
            faults.add(format!("types! {domain}: no example of {def}"));
        }
    }
    faults.assert_none();
}

#[test]
fn every_example_is_valid_and_comes_back_unchanged_from_its_type() {
    let mut faults = Faults::default();
    let mut compiler = Compiler::new(&DOCUMENTS).expect("schemas that compile");
    for (file, domain, def, example) in DOCUMENTS.examples() {
        match compiler.definition(domain, def) {
            Ok(schema) => faults.check(file, schema.check(example)),
            Err(error) => faults.add(format!("{file}: {error}")),
        }
        let Some(rust_type) = rust_type(domain, def) else { continue };
        match (rust_type.round_trip)(example) {
            Ok(back) if back == *example => {}
            Ok(back) => faults.add(format!("{file}: comes back as {back}")),
            Err(error) => faults.add(format!("{file}: does not parse: {error}")),
        }
    }
    faults.assert_none();
}

/// The member names that a definition of one object requires, and whether it is closed.
fn demands(schema: &Value) -> Option<(BTreeSet<&str>, bool)> {
    (schema["type"] == "object" && schema.get("properties").is_some()).then(|| {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        (required, schema["additionalProperties"] == json!(false))
    })
}

#[test]
fn types_require_what_the_schema_requires_and_no_more() {
    let mut faults = Faults::default();
    for (file, domain, def, example) in DOCUMENTS.examples() {
        let (Some(rust_type), Some(members)) = (rust_type(domain, def), example.as_object()) else { continue };
        let Some((required, _)) = definition(domain, def).and_then(demands) else { continue };
        // What is always the same tells what the object is; serde reads the tag of a struct and does not insist on it.
        let tells =
            |name: &str| definition(domain, def).is_some_and(|it| it["properties"][name].get("const").is_some());
        for name in members.keys().filter(|name| !tells(name)) {
            let mut rest: Map<String, Value> = members.clone();
            rest.remove(name);
            let rest = Value::Object(rest);
            match ((rust_type.round_trip)(&rest), required.contains(name.as_str())) {
                (Ok(_), true) => faults.add(format!("{file}: the schema requires {name}, the type does not")),
                (Err(error), false) => faults.add(format!("{file}: the type requires {name}: {error}")),
                (Ok(back), false) if back != rest => {
                    faults.add(format!("{file}: without {name} it comes back as {back}"));
                }
                _ => {}
            }
        }
    }
    faults.assert_none();
}

#[test]
fn types_refuse_strangers_in_what_clients_send_and_pass_over_them_elsewhere() {
    let mut faults = Faults::default();
    for (file, domain, def, example) in DOCUMENTS.examples() {
        let (Some(rust_type), Some(members)) = (rust_type(domain, def), example.as_object()) else { continue };
        let Some((_, closed)) = definition(domain, def).and_then(demands) else { continue };
        let mut more = members.clone();
        more.insert(STRANGER.to_owned(), json!(true));
        match ((rust_type.round_trip)(&Value::Object(more)), closed) {
            (Ok(_), true) => faults.add(format!("{file}: the schema is closed, the type lacks deny_unknown_fields")),
            (Err(error), false) => faults.add(format!("{file}: the schema is open, the type is not: {error}")),
            _ => {}
        }
    }
    faults.assert_none();
}
