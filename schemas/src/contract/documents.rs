//! All files of the specs, and the references between them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::SpecError;

/// References deeper than this run in a circle.
const DEPTH_MAX: usize = 32;
const FOLDERS: [&str; 3] = ["asyncapi", "openapi", "schemas"];

/// Every JSON and YAML file of `schemas/`, `openapi/` and `asyncapi/`, by its path from the root of the repository.
#[derive(Debug)]
pub struct Documents(BTreeMap<String, Value>);

impl Documents {
    /// Reads the specs of this repository.
    pub fn load() -> Result<Self, SpecError> {
        let mut files = BTreeMap::new();
        for folder in FOLDERS {
            read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), folder, &mut files)?;
        }
        Ok(Self(files))
    }

    pub fn get(&self, file: &str) -> Result<&Value, SpecError> {
        let missing = || SpecError::File { file: file.to_owned(), why: "there is no such file".to_owned() };
        self.0.get(file).ok_or_else(missing)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(file, value)| (file.as_str(), value))
    }

    /// The schema files, and which domain each defines.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.iter().filter_map(|(file, value)| {
            let domain = file.strip_prefix("schemas/")?.strip_suffix(".schema.json")?;
            Some((file, domain, value))
        })
    }

    /// The example files: path, domain, name of the definition, value.
    pub fn examples(&self) -> impl Iterator<Item = (&str, &str, &str, &Value)> {
        self.iter().filter_map(|(file, value)| {
            let (domain, name) = file.strip_prefix("schemas/examples/")?.split_once('/')?;
            Some((file, domain, name.split('.').next()?, value))
        })
    }

    /// What `reference` means in `file`: the file and the place in it that it leads to.
    pub fn resolve<'a>(&'a self, file: &str, reference: &str) -> Result<(String, &'a Value), SpecError> {
        let nowhere = || SpecError::Reference { file: file.to_owned(), reference: reference.to_owned() };
        let (target, pointer) = locate(file, reference);
        let value = self.0.get(&target).and_then(|document| document.pointer(&pointer)).ok_or_else(nowhere)?;
        Ok((target, value))
    }

    /// `value` of `file` with everything that it refers to put in place; schemas are left as references, with the
    /// absolute address under which [`super::Compiler`] knows them.
    pub fn expand(&self, file: &str, value: &Value) -> Result<Value, SpecError> {
        self.expand_within(file, value, 0)
    }

    fn expand_within(&self, file: &str, value: &Value, depth: usize) -> Result<Value, SpecError> {
        if depth > DEPTH_MAX {
            return Err(SpecError::spec(file, "references run in a circle"));
        }
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let (target, meant) = self.resolve(file, reference)?;
                    if target.ends_with(".schema.json") {
                        let mut members = members.clone();
                        members.insert("$ref".to_owned(), absolute(file, reference).into());
                        return Ok(Value::Object(members));
                    }
                    return self.expand_within(&target, meant, depth + 1);
                }
                let members = members.iter().map(|(name, value)| match (name.as_str(), value) {
                    // An example of openapi that is a file.
                    ("externalValue", Value::String(reference)) => {
                        Ok(("value".to_owned(), self.resolve(file, reference)?.1.clone()))
                    }
                    _ => Ok((name.clone(), self.expand_within(file, value, depth)?)),
                });
                members.collect::<Result<_, _>>().map(Value::Object)
            }
            Value::Array(items) => {
                let items = items.iter().map(|value| self.expand_within(file, value, depth));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            _ => Ok(value.clone()),
        }
    }
}

/// The absolute address of what `reference` means in `file`. No such host exists: nothing is ever fetched.
pub(super) fn absolute(file: &str, reference: &str) -> String {
    let (target, pointer) = locate(file, reference);
    format!("{}#{pointer}", address(&target))
}

pub(super) fn address(file: &str) -> String {
    format!("https://plaza.invalid/{file}")
}

/// File and JSON pointer that `reference` names, seen from `file`.
fn locate(file: &str, reference: &str) -> (String, String) {
    let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    if path.is_empty() {
        return (file.to_owned(), pointer.to_owned());
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    (parts.join("/"), pointer.to_owned())
}

fn read_folder(root: &Path, folder: &str, files: &mut BTreeMap<String, Value>) -> Result<(), SpecError> {
    let broken = |file: &str, why: String| SpecError::File { file: file.to_owned(), why };
    for entry in fs::read_dir(root.join(folder)).map_err(|error| broken(folder, error.to_string()))? {
        let entry = entry.map_err(|error| broken(folder, error.to_string()))?;
        let file = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if file != "schemas/src" {
                read_folder(root, &file, files)?;
            }
            continue;
        }
        let read = || fs::read_to_string(entry.path()).map_err(|error| broken(&file, error.to_string()));
        let value = if file.ends_with(".json") {
            serde_json::from_str(&read()?).map_err(|error| broken(&file, error.to_string()))?
        } else if file.ends_with(".yaml") {
            serde_norway::from_str(&read()?).map_err(|error| broken(&file, error.to_string()))?
        } else {
            continue;
        };
        files.insert(file, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_relative_to_their_file() {
        let from = "openapi/paths/chat.yaml";
        for (reference, target, pointer) in [
            ("../../schemas/chat.schema.json#/$defs/Room", "schemas/chat.schema.json", "/$defs/Room"),
            ("../responses.yaml#/Edge", "openapi/responses.yaml", "/Edge"),
            ("#/rooms", from, "/rooms"),
            ("./feed.yaml", "openapi/paths/feed.yaml", ""),
        ] {
            assert_eq!(locate(from, reference), (target.to_owned(), pointer.to_owned()), "{reference}");
        }
    }
}
