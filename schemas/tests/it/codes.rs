//! One list of error codes, and nothing but what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::{DOCUMENTS, Faults};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub status: u64,
    pub retry: bool,
    pub meaning: String,
}

/// `schemas/error-codes.json`, by code.
pub fn listed() -> BTreeMap<String, Listed> {
    let domains = DOCUMENTS.get("schemas/error-codes.json").expect("the list of error codes").clone();
    let domains: BTreeMap<String, BTreeMap<String, Listed>> =
        serde_json::from_value(domains).expect("a list of codes by domain");
    let mut all = BTreeMap::new();
    for (code, listed) in domains.into_values().flatten() {
        assert!(all.insert(code.clone(), listed).is_none(), "{code} is listed twice");
    }
    all
}

#[test]
fn every_code_has_a_meaning_and_a_status_that_fits() {
    let mut faults = Faults::default();
    for (code, Listed { status, retry, meaning }) in listed() {
        if !meaning.ends_with('.') {
            faults.add(format!("{code}: the meaning is a sentence"));
        }
        if !(400..600).contains(&status) {
            faults.add(format!("{code}: {status} is no failure"));
        }
        // As kernel::ErrorKind::is_temporary; and one conflict that passes by itself.
        let temporary = matches!(status, 429 | 500 | 503 | 504) || code == "idempotency_in_progress";
        if retry != temporary {
            faults.add(format!("{code}: `retry` does not fit status {status}"));
        }
    }
    faults.assert_none();
}

#[test]
fn what_is_invalid_is_named_last() {
    let mut faults = Faults::default();
    for code in listed().into_keys().filter(|code| code.ends_with("_invalid") || code.contains("_invalid_")) {
        faults.add(format!("{code}: it is invalid_x, never x_invalid"));
    }
    faults.assert_none();
}

#[test]
fn the_source_uses_every_code_and_no_other() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut used = BTreeMap::new();
    for folder in ["gateway/src", "platform", "plaza/src", "services"] {
        codes_in(&root.join(folder), &mut used);
    }
    let listed: BTreeSet<String> = listed().into_keys().collect();
    let mut faults = Faults::default();
    for (code, place) in &used {
        if !listed.contains(code) {
            faults.add(format!("{place} uses {code}, which error-codes.json does not list"));
        }
    }
    for code in &listed {
        if !used.contains_key(code) {
            faults.add(format!("error-codes.json lists {code}, which nothing uses"));
        }
    }
    faults.assert_none();
}

/// Finds codes where they can stand: in a `fn code(…)`, and as the second argument of `Problem::new` and
/// `Failure::new`.
fn codes_in(path: &Path, found: &mut BTreeMap<String, String>) {
    if path.is_dir() {
        if path.ends_with("tests") {
            return;
        }
        for entry in fs::read_dir(path).expect("a folder of the source") {
            codes_in(&entry.expect("an entry").path(), found);
        }
        return;
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return;
    }
    let text = fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut add = |code: &str| drop(found.insert(code.to_owned(), path.display().to_string()));
    for (at, _) in text.match_indices("fn code(") {
        literals(block(&text[at..])).for_each(&mut add);
    }
    for constructor in ["Problem::new(", "Failure::new("] {
        for (at, _) in text.match_indices(constructor) {
            let arguments = &text[at + constructor.len()..];
            // The first argument is a kind, a path without a comma; a literal that follows it is the code.
            if let Some((_, second)) = arguments.split_once(',')
                && let Some(code) = second.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next())
            {
                add(code);
            }
        }
    }
}

/// The text from the first `{` to the `}` that closes it.
fn block(text: &str) -> &str {
    let start = text.find('{').unwrap_or(text.len());
    let mut depth = 0;
    for (at, letter) in text[start..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[start..start + at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// String literals that look like codes.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |it: &&str| !it.is_empty() && it.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    text.split('"').skip(1).step_by(2).filter(is_code)
}
