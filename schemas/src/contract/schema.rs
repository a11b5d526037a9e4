//! Schemas, compiled.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Map, Value};

use super::documents::address;
use super::{Documents, SpecError};

/// Most faults that are told of one value.
const FAULTS_MAX: usize = 5;

/// One compiled schema.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Where it stands, for messages: `schemas/chat.schema.json#/$defs/Room`, or `inline`.
    pub name: String,
    validator: Arc<Validator>,
}

impl Schema {
    /// What is wrong with `value`, if anything.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let faults = self.validator.iter_errors(value).take(FAULTS_MAX).map(|fault| {
            let place = fault.instance_path().as_str();
            format!("{}: {fault}", if place.is_empty() { "the whole" } else { place })
        });
        Err(format!("not a {}: {}", self.name, faults.collect::<Vec<_>>().join("; ")))
    }
}

/// Compiles schemas that refer to this repository's.
///
/// Objects that list their properties are closed here, also where their schema leaves them open for clients' sake: a
/// server that sends what no schema knows is at fault.
pub struct Compiler {
    registry: Registry<'static>,
    compiled: HashMap<String, Schema>,
}

impl Compiler {
    pub fn new(documents: &Documents) -> Result<Self, SpecError> {
        let mut builder = Registry::new().draft(Draft::Draft202012);
        for (file, _, schema) in documents.schemas() {
            let fault = |error: jsonschema::ReferencingError| SpecError::spec(file, error.to_string());
            builder = builder.add(address(file), closed(schema)).map_err(fault)?;
        }
        let registry = builder.prepare().map_err(|error| SpecError::spec("schemas", error.to_string()))?;
        Ok(Self { registry, compiled: HashMap::new() })
    }

    /// Compiles a schema whose references are absolute (see [`Documents::expand`]). Equal schemas are compiled once.
    pub fn compile(&mut self, schema: &Value) -> Result<Schema, SpecError> {
        let key = schema.to_string();
        if let Some(schema) = self.compiled.get(&key) {
            return Ok(schema.clone());
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        let name = reference.and_then(|reference| reference.strip_prefix(&address(""))).unwrap_or("inline").to_owned();
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .offline()
            .build(&closed(schema))
            .map_err(|error| SpecError::spec(&name, error.to_string()))?;
        let schema = Schema { name, validator: Arc::new(validator) };
        self.compiled.insert(key, schema.clone());
        Ok(schema)
    }

    /// The definition `def` of `domain`.
    pub fn definition(&mut self, domain: &str, def: &str) -> Result<Schema, SpecError> {
        let reference = format!("{}#/$defs/{def}", address(&format!("schemas/{domain}.schema.json")));
        self.compile(&Value::Object(Map::from_iter([("$ref".to_owned(), reference.into())])))
    }
}

/// `schema` with each object that lists its properties closed to others.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut members: Map<String, Value> = members
                .iter()
                .map(|(name, value)| match name.as_str() {
                    "const" | "default" | "enum" | "examples" => (name.clone(), value.clone()),
                    _ => (name.clone(), closed(value)),
                })
                .collect();
            if members.get("type").is_some_and(|kind| kind == "object") && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(members)
        }
        Value::Array(items) => Value::Array(items.iter().map(closed).collect()),
        _ => schema.clone(),
    }
}
