//! Every operation is complete.

use std::collections::BTreeSet;

use schemas::contract::{Body, Validator};

use crate::{DOCUMENTS, Faults};

const PROBLEM: &str = "schemas/problem.schema.json#/$defs/Problem";

fn validator() -> Validator {
    Validator::load().expect("specs that compile")
}

fn check_examples(faults: &mut Faults, place: &str, body: &Body) {
    if body.examples.is_empty() && !body.binary {
        faults.add(format!("{place}: no example"));
    }
    for (name, example) in &body.examples {
        faults.check(&format!("{place}, example {name}"), body.schema.check(example));
    }
}

#[test]
fn every_operation_has_an_id_a_tag_and_an_example_of_everything() {
    let mut faults = Faults::default();
    let mut ids = BTreeSet::new();
    for operation in validator().operations() {
        let id = &operation.id;
        if !ids.insert(id.clone()) {
            faults.add(format!("{id}: there are two of this id"));
        }
        if operation.tags.len() != 1 {
            faults.add(format!("{id}: one tag, its domain"));
        }
        if let Some(body) = &operation.request {
            check_examples(&mut faults, &format!("{id}, request"), body);
        }
        for (status, body) in &operation.responses {
            if let Some(body) = body {
                check_examples(&mut faults, &format!("{id}, {status}"), body);
            } else if !matches!(status.as_str(), "204" | "304") {
                faults.add(format!("{id}, {status}: only a 204 and a 304 have no content"));
            }
        }
    }
    faults.assert_none();
}

#[test]
fn every_operation_keeps_to_the_conventions() {
    let mut faults = Faults::default();
    for operation in validator().operations() {
        let id = &operation.id;
        let variables: BTreeSet<_> =
            operation.path.split(['{', '}']).skip(1).step_by(2).map(ToOwned::to_owned).collect();
        if variables != operation.variables.iter().cloned().collect() {
            faults.add(format!("{id}: {} and its declared path parameters differ", operation.path));
        }
        if !operation.path.starts_with("/v1/") {
            faults.add(format!("{id}: {} is not under /v1", operation.path));
        }
        if !operation.responses.contains_key("default") {
            faults.add(format!("{id}: default: {{ $ref: '../responses.yaml#/Edge' }} is missing"));
        }
        if !operation.responses.keys().any(|status| status.starts_with('2')) {
            faults.add(format!("{id}: no response for success"));
        }
        if operation.responses.contains_key("201") && !operation.creates {
            faults.add(format!("{id}: answers 201, so it takes an Idempotency-Key"));
        }
        if operation.method == http::Method::GET && operation.request.is_some() {
            faults.add(format!("{id}: a GET has no body"));
        }
    }
    faults.assert_none();
}

#[test]
fn failures_are_problems_with_a_code_of_their_status() {
    let codes = crate::codes::listed();
    let mut faults = Faults::default();
    for operation in validator().operations() {
        for (status, body) in operation.responses.iter().filter(|(status, _)| !status.starts_with('2')) {
            let place = format!("{}, {status}", operation.id);
            let Some(body) = body else { continue };
            if body.media_type != "application/problem+json" || body.schema.name != PROBLEM {
                faults.add(format!("{place}: not a problem"));
            }
            for (name, example) in &body.examples {
                let code = example["code"].as_str().unwrap_or_default();
                let told = example["status"].as_u64().unwrap_or_default();
                if name != code {
                    faults.add(format!("{place}, example {name}: name it as its code, {code}"));
                }
                if example["type"] != format!("urn:plaza:problem:{code}") {
                    faults.add(format!("{place}, example {name}: `type` does not fit the code"));
                }
                if status != "default" && *status != told.to_string() {
                    faults.add(format!("{place}, example {name}: says status {told}"));
                }
                match codes.get(code) {
                    None => faults.add(format!("{place}, example {name}: error-codes.json does not list {code}")),
                    Some(listed) if listed.status != told => {
                        faults.add(format!("{place}, example {name}: error-codes.json says {}", listed.status));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    faults.assert_none();
}

/// Inline values too, not only example files, are what the Rust types are for.
#[test]
fn every_example_parses_into_the_type_of_its_schema() {
    let mut faults = Faults::default();
    for operation in validator().operations() {
        let bodies = operation.responses.iter().filter_map(|(status, body)| Some((status.as_str(), body.as_ref()?)));
        let bodies = bodies.chain(operation.request.as_ref().map(|body| ("request", body)));
        for (place, body) in bodies.filter(|(_, body)| !body.binary) {
            let place = format!("{}, {place}", operation.id);
            let named = body.schema.name.strip_prefix("schemas/").and_then(|it| it.split_once(".schema.json#/$defs/"));
            let Some((domain, def)) = named else {
                faults.add(format!("{place}: its schema is written on the spot; define it in schemas/"));
                continue;
            };
            let Some(rust_type) = schemas::all_types().find(|it| it.domain == domain && it.def == def) else {
                faults.add(format!("{place}: no Rust type for {domain} {def}"));
                continue;
            };
            for (name, example) in &body.examples {
                match (rust_type.round_trip)(example) {
                    Ok(back) if back == *example => {}
                    Ok(back) => faults.add(format!("{place}, example {name}: comes back as {back}")),
                    Err(error) => faults.add(format!("{place}, example {name}: {error}")),
                }
            }
        }
    }
    faults.assert_none();
}

#[test]
fn there_are_specs_to_check() {
    assert!(DOCUMENTS.schemas().count() > 1);
    assert!(!validator().operations().is_empty());
    assert!(validator().messages().count() > 0);
}
