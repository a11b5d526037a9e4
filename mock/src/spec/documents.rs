//! The files of a spec, and the references between them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::SpecError;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Files that one spec may be made of.
const FILES_MAX: usize = 2_000;
/// Longest file, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// References that lead to references. More of them run in a circle.
const HOPS_MAX: usize = 32;
/// What stays as it is in the path and in the fragment of an address.
const ADDRESS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'$');

/// Where files are read from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Plaza's own specs, in this binary.
    Embedded,
    /// The file system.
    Disk,
}

impl Source {
    fn read(&self, file: &str) -> Result<String, SpecError> {
        let broken = |why: String| SpecError::File { file: file.to_owned(), why };
        match self {
            Self::Embedded => {
                let found = FILES.binary_search_by_key(&file, |(name, _)| name);
                found.map(|at| FILES[at].1.to_owned()).map_err(|_| broken("there is no such file".to_owned()))
            }
            Self::Disk => {
                let path = on_disk(file);
                let size = fs::metadata(&path).map_err(|error| broken(error.to_string()))?.len();
                if size > FILE_BYTES_MAX {
                    return Err(broken(format!("it is larger than {FILE_BYTES_MAX} bytes")));
                }
                fs::read_to_string(path).map_err(|error| broken(error.to_string()))
            }
        }
    }
}

/// On disk, a file is known by its absolute path without the first slash.
fn on_disk(file: &str) -> PathBuf {
    Path::new("/").join(file)
}

/// Parsed files, each by its path.
#[derive(Debug, Default)]
pub struct Documents {
    files: BTreeMap<String, Value>,
    /// Names of examples and of commands in the order in which they were written, by file and place: JSON objects have none.
    orders: HashMap<(String, String), Vec<String>>,
    /// When each file on disk was last changed.
    changed: BTreeMap<PathBuf, Option<SystemTime>>,
}

/// A place in a file.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    documents: &'a Documents,
    pub file: &'a str,
    pub pointer: String,
    pub value: &'a Value,
}

impl Documents {
    /// Reads `root`, and every file that it refers to, and those that they refer to.
    pub fn load(&mut self, source: &Source, root: &str) -> Result<(), SpecError> {
        let mut wanted = vec![root.to_owned()];
        while let Some(file) = wanted.pop() {
            if self.files.contains_key(&file) {
                continue;
            }
            if self.files.len() >= FILES_MAX {
                return Err(SpecError::spec(root, format!("it is made of more than {FILES_MAX} files")));
            }
            if matches!(source, Source::Disk) {
                let path = on_disk(&file);
                let time = fs::metadata(&path).and_then(|it| it.modified()).ok();
                self.changed.insert(path, time);
            }
            let value = self.parse(&file, &source.read(&file)?)?;
            references(&value, &mut |reference| {
                let (path, _) = reference.split_once('#').unwrap_or((reference, ""));
                if path.contains("://") {
                    let why = format!("{reference} is on the network, and only files are followed");
                    return Err(SpecError::spec(&file, why));
                }
                if !path.is_empty() {
                    wanted.push(locate(&file, reference).0);
                }
                Ok(())
            })?;
            self.files.insert(file, value);
        }
        Ok(())
    }

    fn parse(&mut self, file: &str, text: &str) -> Result<Value, SpecError> {
        let broken = |why: String| SpecError::File { file: file.to_owned(), why };
        if file.ends_with(".json") {
            return serde_json::from_str(text).map_err(|error| broken(error.to_string()));
        }
        let yaml: serde_norway::Value = serde_norway::from_str(text).map_err(|error| broken(error.to_string()))?;
        self.note_orders(file, &mut String::new(), &yaml);
        serde_norway::from_value(yaml).map_err(|error| broken(error.to_string()))
    }

    fn note_orders(&mut self, file: &str, pointer: &mut String, value: &serde_norway::Value) {
        let length = pointer.len();
        match value {
            serde_norway::Value::Mapping(members) => {
                if pointer.ends_with("/examples") || pointer == "/operations" {
                    let names = members.keys().filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect();
                    self.orders.insert((file.to_owned(), pointer.clone()), names);
                }
                for (name, value) in members {
                    push(pointer, name.as_str().unwrap_or_default());
                    self.note_orders(file, pointer, value);
                    pointer.truncate(length);
                }
            }
            serde_norway::Value::Sequence(items) => {
                for (nth, value) in items.iter().enumerate() {
                    push(pointer, &nth.to_string());
                    self.note_orders(file, pointer, value);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.files.iter().map(|(file, value)| (file.as_str(), value))
    }

    /// Whether a file on disk is no longer as it was read.
    pub fn is_stale(&self) -> bool {
        self.changed.iter().any(|(path, time)| fs::metadata(path).and_then(|it| it.modified()).ok() != *time)
    }

    pub fn node(&self, file: &str, pointer: &str) -> Option<Node<'_>> {
        let (file, document) = self.files.get_key_value(file)?;
        let value = document.pointer(pointer)?;
        Some(Node { documents: self, file, pointer: pointer.to_owned(), value })
    }
}

impl<'a> Node<'a> {
    /// The member or item `name` as it stands, be it a reference.
    pub fn raw(&self, name: &str) -> Option<Self> {
        let value = match self.value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            value => value.get(name)?,
        };
        let mut pointer = self.pointer.clone();
        push(&mut pointer, name);
        Some(Self { pointer, value, ..self.clone() })
    }

    /// What the member or item `name` means, references followed.
    pub fn at(&self, name: &str) -> Option<Self> {
        self.raw(name)?.meant().ok()
    }

    /// What this means: itself, or what it refers to.
    pub fn meant(&self) -> Result<Self, SpecError> {
        let mut node = self.clone();
        for _ in 0..HOPS_MAX {
            let Some(reference) = node.value.get("$ref").and_then(Value::as_str) else { return Ok(node) };
            node = node.follow(reference)?;
        }
        Err(SpecError::spec(self.file, "references run in a circle"))
    }

    /// Where `reference`, which stands here, leads.
    pub fn follow(&self, reference: &str) -> Result<Self, SpecError> {
        let nowhere = || SpecError::Reference { file: self.file.to_owned(), reference: reference.to_owned() };
        let (file, pointer) = locate(self.file, reference);
        self.documents.node(&file, &pointer).ok_or_else(nowhere)
    }

    /// Members or items, references followed.
    pub fn children(&self) -> Vec<(String, Self)> {
        let names: Vec<String> = match self.value {
            Value::Object(members) => {
                let order = self.documents.orders.get(&(self.file.to_owned(), self.pointer.clone()));
                order.cloned().unwrap_or_else(|| members.keys().cloned().collect())
            }
            Value::Array(items) => (0..items.len()).map(|nth| nth.to_string()).collect(),
            _ => Vec::new(),
        };
        names.into_iter().filter_map(|name| self.at(&name).map(|node| (name, node))).collect()
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    /// The value with everything that it refers to put in place.
    pub fn expanded(&self) -> Result<Value, SpecError> {
        self.expanded_within(0)
    }

    fn expanded_within(&self, depth: usize) -> Result<Value, SpecError> {
        if depth > HOPS_MAX {
            return Err(SpecError::spec(self.file, "references run in a circle"));
        }
        let node = self.meant()?;
        let child = |name: &str| match node.raw(name) {
            Some(child) => child.expanded_within(depth + 1),
            None => Ok(Value::Null),
        };
        match node.value {
            Value::Object(members) => {
                members.keys().map(|name| Ok((name.clone(), child(name)?))).collect::<Result<_, _>>().map(Value::Object)
            }
            Value::Array(items) => {
                (0..items.len()).map(|nth| child(&nth.to_string())).collect::<Result<_, _>>().map(Value::Array)
            }
            value => Ok(value.clone()),
        }
    }

    /// The absolute address of this place, under which [`super::Compiler`] knows it. Nothing is ever fetched from there.
    pub fn address(&self) -> String {
        format!("{}#{}", address(self.file), utf8_percent_encode(&self.pointer, ADDRESS))
    }
}

pub fn address(file: &str) -> String {
    format!("https://spec.invalid/{}", utf8_percent_encode(file, ADDRESS))
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

fn references(value: &Value, found: &mut impl FnMut(&str) -> Result<(), SpecError>) -> Result<(), SpecError> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| match (name.as_str(), value) {
            ("$ref" | "externalValue", Value::String(reference)) => found(reference),
            _ => references(value, found),
        }),
        Value::Array(items) => items.iter().try_for_each(|value| references(value, found)),
        _ => Ok(()),
    }
}

/// File and JSON pointer that `reference` names, seen from `file`.
fn locate(file: &str, reference: &str) -> (String, String) {
    let decoded = percent_decode_str(reference).decode_utf8_lossy();
    let (path, pointer) = decoded.split_once('#').unwrap_or((&decoded, ""));
    if path.is_empty() {
        return (file.to_owned(), pointer.to_owned());
    }
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { file.split('/').collect() };
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    (parts.join("/"), pointer.to_owned())
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
            ("#/paths/~1pets~1%7Bpet%7D", from, "/paths/~1pets~1{pet}"),
            ("./a%20b.yaml", "openapi/paths/a b.yaml", ""),
        ] {
            assert_eq!(locate(from, reference), (target.to_owned(), pointer.to_owned()), "{reference}");
        }
    }
}
