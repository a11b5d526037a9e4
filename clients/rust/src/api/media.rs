//! Pictures and videos.

use bytes::Bytes;
use kernel::MediaId;
use reqwest::Method;
use schemas::media::{Media, MediaType, MediaUpload};
use tokio::time::sleep;

use super::{Api, Request, Session};
use crate::{ApiError, Backoff};

/// Bytes of a part, as [`Session::upload`] cuts them.
const PART_BYTES: usize = 1024 * 1024;
/// How often in a row a part may fail before an upload is given up.
const PART_TRIES_MAX: u32 = 4;

impl Session {
    pub async fn begin_upload(&self, upload: &MediaUpload) -> Result<Media, ApiError> {
        self.create("/v1/media", upload).await
    }

    /// How far an upload is, and what became of it.
    pub async fn media(&self, media: MediaId) -> Result<Media, ApiError> {
        self.get(&format!("/v1/media/{media}")).await
    }

    /// Adds the part that begins at `offset`. After a part without an answer, [`Session::media`] tells where to go on.
    pub async fn append(&self, media: MediaId, offset: u64, part: Bytes) -> Result<(), ApiError> {
        self.send(Request::new(Method::PATCH, &format!("/v1/media/{media}")).part(offset, part)).await
    }

    /// Ends an upload, however far it is. Content that shows the file already goes on showing it.
    pub async fn delete_upload(&self, media: MediaId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/media/{media}")).await
    }

    /// Uploads a file, part by part. What it returns is being worked on: [`Session::media`] says when it is ready.
    pub async fn upload(&self, r#type: MediaType, file: Bytes) -> Result<Media, ApiError> {
        let media = self.begin_upload(&MediaUpload { r#type, bytes: file.len() as u64 }).await?;
        let (mut offset, mut failures) = (0, 0);
        while offset < file.len() {
            let end = file.len().min(offset + PART_BYTES);
            match self.append(media.id, offset as u64, file.slice(offset..end)).await {
                Ok(()) => (offset, failures) = (end, 0),
                Err(error) if error.is_temporary() && failures + 1 < PART_TRIES_MAX => {
                    failures += 1;
                    sleep(Backoff::default().wait(failures, error.retry_after())).await;
                    // Whether the part was kept is unknown.
                    let kept = self.media(media.id).await?.received;
                    offset = usize::try_from(kept).unwrap_or(usize::MAX).min(file.len());
                }
                Err(error) => return Err(error),
            }
        }
        self.media(media.id).await
    }
}

impl Api {
    /// The bytes at an address that came with content. It needs no session.
    pub async fn rendition(&self, url: &str) -> Result<Bytes, ApiError> {
        self.bytes(&Request::new(Method::GET, url)).await
    }
}
