//! Which store, and how it is reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kernel::Secret;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use serde::Deserialize;

/// Longest time for one request to an object store; a part has at most some megabytes.
const REQUEST_MAX: Duration = Duration::from_secs(20);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Tries after the first, all within [`RETRY_MAX`]: whoever waits for the answer has an end to their patience too.
const RETRIES_MAX: usize = 2;
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Where uploaded files live.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `s3://bucket` or `s3://bucket/folder`, or `file:///folder` for one that several nodes share. Absent: a folder in the
    /// data folder.
    pub url: Option<String>,
    /// Address of an object store that is not Amazon's, such as `http://127.0.0.1:9000`.
    pub endpoint: Option<String>,
    /// Region of the bucket; `us-east-1` unless told here or by `AWS_REGION`.
    pub region: Option<String>,
    /// Absent: as Amazon's own tools find it (`AWS_ACCESS_KEY_ID`, the role of the machine).
    pub access_key: Option<String>,
    pub secret_key: Option<Secret>,
}

/// Why a store cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("expected s3://bucket, s3://bucket/folder or file:///folder")]
    Url,
    #[error("an access key needs a secret key, and the other way round")]
    Keys,
    #[error("the folder {} cannot be used: {why}", .folder.display())]
    Folder { folder: PathBuf, why: std::io::Error },
    #[error("the object store cannot be used: {0}")]
    Store(#[from] object_store::Error),
}

/// What `url` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket { name: String, folder: String },
}

impl Settings {
    /// Whether the settings can mean something. Asks no store.
    pub fn validate(&self) -> Result<(), OpenError> {
        self.place(Path::new("")).map(drop)?;
        if self.access_key.is_some() == self.secret_key.is_some() { Ok(()) } else { Err(OpenError::Keys) }
    }

    /// Whether it is a folder of this machine, in place of one that was named for all nodes.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.url.is_none()
    }

    /// The folder that is meant, if it is one; `default` when none is named.
    #[must_use]
    pub fn folder(&self, default: &Path) -> Option<PathBuf> {
        match self.place(default) {
            Ok(Place::Folder(path)) => Some(path),
            Ok(Place::Bucket { .. }) | Err(_) => None,
        }
    }

    /// The store that is meant; `default` is the folder for when none is named.
    pub(crate) fn place(&self, default: &Path) -> Result<Place, OpenError> {
        let Some(url) = &self.url else { return Ok(Place::Folder(default.to_owned())) };
        if let Some(path) = url.strip_prefix("file://") {
            return if path.starts_with('/') { Ok(Place::Folder(path.into())) } else { Err(OpenError::Url) };
        }
        let rest = url.strip_prefix("s3://").ok_or(OpenError::Url)?;
        let (name, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.is_empty() || !name.chars().all(fits) || folder.contains(['?', '#']) {
            return Err(OpenError::Url);
        }
        Ok(Place::Bucket { name: name.to_owned(), folder: folder.trim_matches('/').to_owned() })
    }

    pub(crate) fn bucket(&self, name: &str, folder: &str) -> Result<Arc<dyn ObjectStore>, OpenError> {
        // TLS needs one provider in the process; who came first has made the same choice.
        drop(rustls::crypto::ring::default_provider().install_default());
        let options = ClientOptions::new().with_timeout(REQUEST_MAX).with_connect_timeout(CONNECT_MAX);
        let retry =
            RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_MAX, backoff: BackoffConfig::default() };
        let mut builder =
            AmazonS3Builder::from_env().with_bucket_name(name).with_client_options(options).with_retry(retry);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let (Some(access), Some(secret)) = (&self.access_key, &self.secret_key) {
            builder = builder.with_access_key_id(access).with_secret_access_key(secret.expose());
        }
        let bucket = builder.build()?;
        Ok(if folder.is_empty() { Arc::new(bucket) } else { Arc::new(PrefixStore::new(bucket, folder)) })
    }
}

pub(crate) fn folder(path: &Path) -> Result<Arc<dyn ObjectStore>, OpenError> {
    std::fs::create_dir_all(path).map_err(|why| OpenError::Folder { folder: path.to_owned(), why })?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true).with_fsync(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<Place, OpenError> {
        Settings { url: Some(url.to_owned()), ..Settings::default() }.place(Path::new("/data/blobs"))
    }

    #[test]
    fn an_address_names_a_bucket_or_a_folder() {
        let bucket = |name: &str, folder: &str| Place::Bucket { name: name.to_owned(), folder: folder.to_owned() };
        assert_eq!(place("s3://plaza").unwrap(), bucket("plaza", ""));
        assert_eq!(place("s3://plaza-media.example/eu/one/").unwrap(), bucket("plaza-media.example", "eu/one"));
        assert_eq!(place("file:///srv/media").unwrap(), Place::Folder("/srv/media".into()));
        let default = Settings::default().place(Path::new("/data/blobs")).unwrap();
        assert_eq!(default, Place::Folder("/data/blobs".into()));
        for wrong in ["", "s3://", "s3:///folder", "s3://a b", "s3://a/b?c", "file://srv", "/srv", "http://plaza"] {
            assert!(matches!(place(wrong), Err(OpenError::Url)), "{wrong}");
        }
    }

    #[test]
    fn keys_come_in_pairs() {
        let access = Settings { access_key: Some("ada".to_owned()), ..Settings::default() };
        assert!(matches!(access.validate(), Err(OpenError::Keys)));
        let both = Settings { secret_key: Some(Secret::new("engine".to_owned())), ..access };
        assert!(both.validate().is_ok());
        assert!(!format!("{both:?}").contains("engine"));
    }
}
