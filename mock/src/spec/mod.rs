//! What the files say, read once and compiled.

mod asyncapi;
mod documents;
mod openapi;
mod schema;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use asyncapi::{Channel, Command, Message, Push, To};
pub use documents::{Documents, Node, Source};
pub use openapi::{Content, Operation, Parameter, Place, Response, Rest, Scheme, Tokens};
pub use schema::{Compiler, How, Schema, Unfit};

/// Why a spec cannot be used.
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
    pub(crate) fn spec(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Spec { place: place.into(), why: why.into() }
    }
}

/// Named values, in the order in which they were written.
pub type Examples = Vec<(String, Value)>;

/// Everything that is served.
pub struct Spec {
    pub documents: Documents,
    pub rest: Rest,
    pub channels: Vec<Channel>,
}

impl Spec {
    /// Reads the files that are given; Plaza's own specs when none is.
    pub fn load(openapi: Option<&Path>, asyncapi: Option<&Path>) -> Result<Self, SpecError> {
        let (source, openapi, asyncapi) = match (openapi, asyncapi) {
            (None, None) => {
                let own = |file: &str| Some(file.to_owned());
                (Source::Embedded, own("openapi/openapi.yaml"), own("asyncapi/asyncapi.yaml"))
            }
            (rest, live) => (Source::Disk, rest.map(absolute).transpose()?, live.map(absolute).transpose()?),
        };
        let mut documents = Documents::default();
        for root in [&openapi, &asyncapi].into_iter().flatten() {
            documents.load(&source, root)?;
        }
        let mut compiler = Compiler::new(&documents)?;
        let rest = match &openapi {
            Some(root) => openapi::read(&documents, root, &mut compiler)?,
            None => Rest::default(),
        };
        let channels = match &asyncapi {
            Some(root) => asyncapi::read(&documents, root, &mut compiler)?,
            None => Vec::new(),
        };
        Ok(Self { documents, rest, channels })
    }

    /// Where `schema` stands.
    pub fn node(&self, schema: &Schema) -> Option<Node<'_>> {
        self.documents.node(&schema.file, &schema.pointer)
    }
}

/// How a file on disk is known: by its absolute path, without the first slash.
fn absolute(path: &Path) -> Result<String, SpecError> {
    let file = path.display().to_string();
    let path: PathBuf = path.canonicalize().map_err(|error| SpecError::File { file, why: error.to_string() })?;
    Ok(path.display().to_string().trim_start_matches('/').to_owned())
}
