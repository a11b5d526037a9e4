//! Videos, which are kept as they are: what can be read off their headers, and a still picture.

mod mp4;
mod poster;
mod webm;

pub(crate) use poster::{Failed, poster};

use blobs::{BlobResult, Blobs};
use schemas::media::{MediaType, Refusal};

use crate::model::{Facts, SIDE_MAX};

/// Boxes at the top of an MP4 that are looked at. Files that are streamed have some hundreds.
const BOXES_MAX: usize = 256;
/// Longest description (`moov`) of an MP4: some hours have a few megabytes.
const MOOV_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The part of a WebM that its description is looked for in.
const WEBM_HEAD_BYTES: u64 = 64 * 1024;

/// Reads what a video says of itself.
pub(crate) async fn facts(blobs: &Blobs, key: &str, kind: MediaType, size: u64) -> BlobResult<Result<Facts, Refusal>> {
    let facts = match kind {
        MediaType::Mp4 => match moov(blobs, key, size).await? {
            // Without it, nobody can play the video.
            None => return Ok(Err(Refusal::Broken)),
            Some(moov) => mp4::facts(&moov),
        },
        _ => webm::facts(&blobs.range(key, 0..size.min(WEBM_HEAD_BYTES)).await?),
    };
    let too_large = |side: Option<u32>| side.is_some_and(|side| side > SIDE_MAX);
    if too_large(facts.width) || too_large(facts.height) {
        return Ok(Err(Refusal::TooManyPixels));
    }
    Ok(Ok(facts))
}

/// The description of an MP4, wherever in the file it is.
async fn moov(blobs: &Blobs, key: &str, size: u64) -> BlobResult<Option<bytes::Bytes>> {
    let mut at = 0;
    for _ in 0..BOXES_MAX {
        if at + 8 > size {
            break;
        }
        let head = blobs.range(key, at..(at + 16).min(size)).await?;
        let Some(found) = mp4::head(&head, size - at) else { break };
        if found.kind == *b"moov" {
            let len = found.size - found.head;
            if len == 0 || len > MOOV_BYTES_MAX {
                return Ok(None);
            }
            return blobs.range(key, at + found.head..at + found.size).await.map(Some);
        }
        at += found.size;
    }
    Ok(None)
}
