//! What the server pushes: every type that asyncapi lists is one that the code can send, and the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use schemas::contract::Validator;

use crate::Faults;

/// `type` of each event and signal among the Rust types, and how the code writes its making: `GraphEvent::FollowRequested`
/// or `MessageCreated`.
fn events_in_types() -> BTreeMap<String, String> {
    let mut events = BTreeMap::new();
    for (_, text) in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let (mut tagged, mut choice, mut name) = (false, None, None);
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[serde(") {
                tagged |= line.contains("tag = \"type\"");
                if let Some((_, rest)) = line.split_once(" = \"").filter(|_| line.contains("rename = ")) {
                    let renamed = line.split_once("rename = \"").map_or(rest, |(_, rest)| rest);
                    name = renamed.split('"').next();
                }
            } else if let Some(rest) = line.strip_prefix("pub struct ") {
                if let (true, Some(name)) = (tagged, name) {
                    events.insert(name.to_owned(), ident(rest).to_owned());
                }
                (tagged, choice, name) = (false, None, None);
            } else if let Some(rest) = line.strip_prefix("pub enum ") {
                choice = tagged.then(|| ident(rest).to_owned());
                (tagged, name) = (false, None);
            } else if let (Some(choice), Some(tag)) = (&choice, name)
                && line.starts_with(char::is_uppercase)
            {
                events.insert(tag.to_owned(), format!("{choice}::{}", ident(line)));
                name = None;
            }
        }
    }
    events
}

fn ident(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).expect("a source file")));
        }
    }
    found
}

#[test]
fn asyncapi_lists_the_events_that_the_types_know_and_the_slices_send() {
    let validator = Validator::load().expect("specs that compile");
    let pushed = validator.messages().filter(|it| it.channel == "socket" && matches!(it.kind(), "event" | "signal"));
    let specified: BTreeSet<_> = pushed.map(|it| it.name.clone()).collect();
    let known = events_in_types();
    let services = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../services")));
    let mut faults = Faults::default();
    for name in &specified {
        match known.get(name) {
            None => faults.add(format!("{name} is in asyncapi, but no Rust type is an event of this type")),
            Some(made) if !services.iter().any(|(_, text)| text.contains(&format!("{made} {{"))) => {
                faults.add(format!("{name} is in asyncapi, but nothing in services/ makes a {made}"));
            }
            Some(_) => {}
        }
    }
    for name in known.keys().filter(|name| !specified.contains(*name)) {
        faults.add(format!("{name} is an event among the Rust types, but asyncapi does not list it"));
    }
    faults.assert_none();
}
