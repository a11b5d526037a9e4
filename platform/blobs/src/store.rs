//! What may be asked of either store.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use kernel::StoreError;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _, WriteMultipart};

use crate::error::fault;
use crate::settings::{Place, folder};
use crate::{BlobError, BlobResult, OpenError, Settings};

/// Most bytes of a blob that are held in memory at once.
pub const READ_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Size of the parts in which a large blob is written; S3 takes no smaller ones.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;
/// Parts of one blob under way at once.
const CHUNKS_MAX: usize = 2;
/// Deletions that are asked for at once.
const DELETES_MAX: usize = 16;
/// A folder that nothing is ever written to: to list it asks whether the store is there, and costs next to nothing.
const NOWHERE: &str = "probe";

/// Bytes as they arrive.
pub type ByteStream = BoxStream<'static, BlobResult<Bytes>>;

/// A store of blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    shown: Arc<str>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.shown)
    }
}

/// For people: where blobs are.
impl fmt::Display for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Blobs {
    /// Opens what `settings` name, or else the folder `default`, which is created. Asks an object store nothing yet.
    pub fn open(settings: &Settings, default: &Path) -> Result<Self, OpenError> {
        settings.validate()?;
        let (store, shown) = match settings.place(default)? {
            Place::Folder(path) => (folder(&path)?, format!("the folder {}", path.display())),
            Place::Bucket { name, folder } => {
                let at = settings.endpoint.as_deref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
                let shown = format!("the bucket {name}{at}");
                (settings.bucket(&name, &folder)?, shown)
            }
        };
        Ok(Self { store, shown: shown.into() })
    }

    /// Whether the store answers. Changes nothing.
    pub async fn probe(&self) -> BlobResult<()> {
        match self.store.list(Some(&Key::from(NOWHERE))).next().await {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => match fault(error) {
                // Of a bucket: a folder that is not there is an empty one.
                BlobError::NotFound(what) => Err(StoreError::unavailable(format!("there is no {what}")).into()),
                other => Err(other),
            },
        }
    }

    /// Writes a blob. When it fails, the blob is there or is not, but never in part.
    pub async fn put(&self, key: &str, bytes: Bytes) -> BlobResult<()> {
        let key = Key::from(key);
        let put = self.store.put(&key, bytes.into());
        telemetry::timed("blobs", "put", put).await.map(drop).map_err(fault)
    }

    /// A whole blob.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] past [`READ_BYTES_MAX`].
    pub async fn get(&self, key: &str) -> BlobResult<Bytes> {
        let found = telemetry::timed("blobs", "get", self.store.get(&Key::from(key))).await.map_err(fault)?;
        if found.meta.size > READ_BYTES_MAX {
            return Err(BlobError::TooLarge(key.to_owned()));
        }
        found.bytes().await.map_err(fault)
    }

    /// The bytes of a range that is not empty, as far as the blob goes.
    pub async fn range(&self, key: &str, range: Range<u64>) -> BlobResult<Bytes> {
        if range.end.saturating_sub(range.start) > READ_BYTES_MAX {
            return Err(BlobError::TooLarge(key.to_owned()));
        }
        let key = Key::from(key);
        let get = self.store.get_range(&key, range);
        telemetry::timed("blobs", "range", get).await.map_err(fault)
    }

    /// The bytes of a range that is not empty, as they come.
    pub async fn stream(&self, key: &str, range: Range<u64>) -> BlobResult<ByteStream> {
        let (key, options) = (Key::from(key), GetOptions::new().with_range(Some(range)));
        let get = self.store.get_opts(&key, options);
        let found = telemetry::timed("blobs", "stream", get).await.map_err(fault)?;
        Ok(found.into_stream().map(|chunk| chunk.map_err(fault)).boxed())
    }

    /// Writes a blob that is larger than memory should hold: the blobs `parts` behind each other. Says how many bytes it has.
    pub async fn join(&self, key: &str, parts: &[String]) -> BlobResult<u64> {
        let upload = self.store.put_multipart(&Key::from(key)).await.map_err(fault)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK_BYTES);
        match self.pour(&mut writer, parts).await {
            Ok(written) => {
                telemetry::timed("blobs", "join", writer.finish()).await.map_err(fault)?;
                Ok(written)
            }
            Err(error) => {
                // What remains of it is the store's to expire.
                if let Err(left) = writer.abort().await {
                    tracing::debug!(key, %left, "a blob that was not written could not be taken back");
                }
                Err(error)
            }
        }
    }

    async fn pour(&self, writer: &mut WriteMultipart, parts: &[String]) -> BlobResult<u64> {
        let mut written = 0;
        for part in parts {
            let mut bytes = self.store.get(&Key::from(part.as_str())).await.map_err(fault)?.into_stream();
            while let Some(chunk) = bytes.next().await {
                let chunk = chunk.map_err(fault)?;
                written += chunk.len() as u64;
                writer.wait_for_capacity(CHUNKS_MAX).await.map_err(fault)?;
                writer.put(chunk);
            }
        }
        Ok(written)
    }

    /// Several blobs behind each other, up to [`READ_BYTES_MAX`] together.
    pub async fn gather(&self, parts: &[String]) -> BlobResult<Bytes> {
        let mut whole = BytesMut::new();
        for part in parts {
            let bytes = self.get(part).await?;
            if (whole.len() + bytes.len()) as u64 > READ_BYTES_MAX {
                return Err(BlobError::TooLarge(part.clone()));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    }

    /// Deletes a blob, if it is there.
    pub async fn delete(&self, key: &str) -> BlobResult<()> {
        match self.store.delete(&Key::from(key)).await.map_err(fault) {
            Ok(()) | Err(BlobError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes all blobs whose keys begin with `folder` and a slash. Says how many.
    pub async fn delete_folder(&self, folder: &str) -> BlobResult<u64> {
        let found = self.store.list(Some(&Key::from(folder)));
        let mut deletions = found
            .map(|found| async {
                let key = found.map_err(fault)?.location;
                self.delete(key.as_ref()).await
            })
            .buffer_unordered(DELETES_MAX);
        let mut deleted = 0;
        while let Some(done) = deletions.next().await {
            done?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// The keys that begin with `folder` and a slash.
    pub async fn keys(&self, folder: &str) -> BlobResult<Vec<String>> {
        let mut found = self.store.list(Some(&Key::from(folder)));
        let mut keys = Vec::new();
        while let Some(object) = found.next().await {
            keys.push(object.map_err(fault)?.location.to_string());
        }
        keys.sort();
        Ok(keys)
    }
}
