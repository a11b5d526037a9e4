//! The specs at run time, for tests: what they say, and whether the server does as they say.
//!
//! [`Validator`] checks one answer or frame; compiled once, it is fast enough to sit in every whole-system test.
//! [`assert_same_operations`] and [`assert_same_commands`] hold the server's tables against the specs.
//!
//! Answers are checked more strictly than clients should: a member that no schema knows is a difference.

mod asyncapi;
mod documents;
mod openapi;
mod schema;
mod tables;
mod validator;

pub use asyncapi::{Direction, Message};
pub use documents::Documents;
pub use openapi::{Body, Operation};
pub use schema::{Compiler, Schema};
pub use tables::{assert_same_commands, assert_same_operations};
pub use validator::{Difference, Validator};

/// Why the specs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("{file}: {why}")]
    File { file: String, why: String },
    #[error("{file}: the reference {reference} leads nowhere")]
    Reference { file: String, reference: String },
    #[error("{place}: {why}")]
    Spec { place: String, why: String },
}

impl SpecError {
    fn spec(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Spec { place: place.into(), why: why.into() }
    }
}
