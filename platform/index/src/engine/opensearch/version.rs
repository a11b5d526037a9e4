//! Which server it is.

use serde::Deserialize;

use super::client::Ask;
use super::{OpenSearch, PROBE_WITHIN};
use crate::engine::EngineError;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerVersion {
    pub number: String,
    /// `opensearch`; absent when it is something else.
    #[serde(default)]
    pub distribution: Option<String>,
}

impl ServerVersion {
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.number.split('.').next()?.parse().ok()
    }
}

impl OpenSearch {
    pub async fn server_version(&self) -> Result<ServerVersion, EngineError> {
        #[derive(Deserialize)]
        struct Root {
            version: ServerVersion,
        }
        let root: Root = self.client.read(&Ask::get("/").within(PROBE_WITHIN)).await?;
        Ok(root.version)
    }
}
