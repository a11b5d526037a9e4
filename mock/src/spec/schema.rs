//! Schemas, compiled.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use super::documents::address;
use super::{Documents, Node, SpecError};

/// One compiled schema, and where it stands.
#[derive(Debug, Clone)]
pub struct Schema {
    pub file: String,
    pub pointer: String,
    validator: Arc<Validator>,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The member to blame, as a JSON pointer.
    pub pointer: String,
    pub why: String,
    pub how: How,
}

/// In which way a value does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is another kind of thing, or lacks members, or has others.
    Shape,
    TooMuch,
    TooLittle,
    /// The right kind of thing, with the wrong content.
    Content,
}

impl Schema {
    pub fn is_valid(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    pub fn check(&self, value: &Value) -> Result<(), Unfit> {
        let Some(error) = self.validator.iter_errors(value).next() else { return Ok(()) };
        let mut pointer = error.instance_path().as_str().to_owned();
        let mut blame = |name: &str| pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        let how = match error.kind() {
            Kind::Required { property } => {
                blame(property.as_str().unwrap_or_default());
                How::Shape
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                blame(unexpected.first().map_or("", |name| name));
                How::Shape
            }
            Kind::MaxLength { .. } | Kind::MaxItems { .. } | Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => {
                How::TooMuch
            }
            Kind::MinLength { .. } | Kind::MinItems { .. } | Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => {
                How::TooLittle
            }
            Kind::Pattern { .. } | Kind::Format { .. } | Kind::MultipleOf { .. } | Kind::UniqueItems => How::Content,
            _ => How::Shape,
        };
        Err(Unfit { pointer, why: told(&error.to_string()), how })
    }
}

/// Messages quote the value, which may be long.
fn told(message: &str) -> String {
    const CHARS_MAX: usize = 300;
    match message.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// Compiles the schemas of a spec's files.
pub struct Compiler {
    registry: Registry<'static>,
    compiled: HashMap<String, Schema>,
}

impl Compiler {
    pub fn new(documents: &Documents) -> Result<Self, SpecError> {
        let mut builder = Registry::new().draft(Draft::Draft202012);
        for (file, document) in documents.iter().filter(|(_, document)| document.is_object()) {
            let fault = |error: jsonschema::ReferencingError| SpecError::spec(file, error.to_string());
            builder = builder.add(address(file), document.clone()).map_err(fault)?;
        }
        let registry = builder.prepare().map_err(|error| SpecError::spec("schemas", error.to_string()))?;
        Ok(Self { registry, compiled: HashMap::new() })
    }

    /// Compiles the schema that stands at `node`. The same one is compiled once.
    pub fn compile(&mut self, node: &Node<'_>) -> Result<Schema, SpecError> {
        // A bare reference is what it refers to.
        let bare = node.value.as_object().is_some_and(|members| members.len() == 1);
        let node = if bare { node.meant()? } else { node.clone() };
        let reference = node.address();
        if let Some(schema) = self.compiled.get(&reference) {
            return Ok(schema.clone());
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .offline()
            .build(&json!({ "$ref": reference }))
            .map_err(|error| SpecError::spec(&reference, error.to_string()))?;
        let schema = Schema { file: node.file.to_owned(), pointer: node.pointer, validator: Arc::new(validator) };
        self.compiled.insert(reference, schema.clone());
        Ok(schema)
    }
}
