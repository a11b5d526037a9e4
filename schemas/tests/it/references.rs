//! Every reference leads somewhere, and everything is led to.

use std::collections::BTreeSet;

use crate::{DOCUMENTS, Faults, each_object};

#[test]
fn every_reference_leads_somewhere() {
    let mut faults = Faults::default();
    for (file, value) in DOCUMENTS.iter().filter(|(file, _)| !file.starts_with("schemas/examples/")) {
        each_object(value, "", &mut |place, members| {
            for word in ["$ref", "externalValue"] {
                if let Some(reference) = members.get(word).and_then(|reference| reference.as_str()) {
                    faults.check(place, DOCUMENTS.resolve(file, reference).map(drop));
                }
            }
            // OpenAPI takes a `value` as it stands, reference or not; few tools look into it.
            if file.starts_with("openapi/") && members.get("value").is_some_and(|value| value.get("$ref").is_some()) {
                faults.add(format!("{file}{place}: an example that is a file is an `externalValue`"));
            }
        });
    }
    faults.assert_none();
}

#[test]
fn every_path_item_and_message_is_listed_in_its_root() {
    let mut referred = BTreeSet::new();
    for root in ["openapi/openapi.yaml", "asyncapi/asyncapi.yaml"] {
        let (folder, _) = root.split_once('/').expect("a folder");
        each_object(DOCUMENTS.get(root).expect("the root"), "", &mut |_, members| {
            if let Some(reference) = members.get("$ref").and_then(|reference| reference.as_str()) {
                referred.insert(format!("{folder}/{reference}"));
            }
        });
    }
    let mut faults = Faults::default();
    for (file, value) in DOCUMENTS.iter() {
        if ["openapi/paths/", "asyncapi/messages/", "asyncapi/events/"].iter().any(|it| file.starts_with(it)) {
            for name in value.as_object().into_iter().flat_map(|entries| entries.keys()) {
                if !referred.contains(&format!("{file}#/{name}")) {
                    faults.add(format!("{file}: {name} is not listed in the root"));
                }
            }
        }
    }
    faults.assert_none();
}
