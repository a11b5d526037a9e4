//! What may be uploaded, and what becomes of it.

use std::time::Duration;

use kernel::{MediaId, Timestamp, UserId};
use schemas::media::{MediaState, MediaType, Poster, Refusal};
use serde::{Deserialize, Serialize};

/// Largest picture, in bytes.
pub const IMAGE_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// Largest video, in bytes.
pub const VIDEO_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most pixels of a picture: 40 million take 160 MB while it is worked on.
pub const PIXELS_MAX: u64 = 40_000_000;
/// Longest side of a picture or video, in pixels.
pub const SIDE_MAX: u32 = 16_384;
/// Least bytes of a part that is not the last: a part is a blob, and costs as much to write whatever its size.
pub const PART_BYTES_MIN: u64 = 64 * 1024;
/// Most bytes of a part: it is held in memory until it is written.
pub const PART_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Uploads of a person that are not done.
pub const UPLOADS_MAX: i64 = 20;
/// Bytes that a person may begin to upload within [`DAY`].
pub const DAY_BYTES_MAX: i64 = 4 * 1024 * 1024 * 1024;
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an upload may take from its beginning to its last part.
pub const UPLOAD_MAX: Duration = DAY;
/// How long a ready file is kept that nothing shows, from when it was last seen in use or asked for by name.
pub const UNUSED_MAX: Duration = DAY;
/// How long a ready file stays that its owner deleted, at least: content that is being written at that moment may show it.
pub const LET_GO_AFTER: Duration = Duration::from_secs(5 * 60);
/// How long its owner can read why a file was refused.
pub const REFUSED_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Media that are asked for together.
pub const MEDIA_AT_ONCE_MAX: usize = 1_000;

/// Where a file is on its way, as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum State {
    Uploading = 1,
    Processing = 2,
    Ready = 3,
    Refused = 4,
    /// Nobody sees it any more; its blobs are deleted, then its row.
    Going = 5,
}

impl State {
    #[must_use]
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Uploading),
            2 => Some(Self::Processing),
            3 => Some(Self::Ready),
            4 => Some(Self::Refused),
            5 => Some(Self::Going),
            _ => None,
        }
    }

    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    pub(crate) const fn shown(self) -> Option<MediaState> {
        match self {
            Self::Uploading => Some(MediaState::Uploading),
            Self::Processing => Some(MediaState::Processing),
            Self::Ready => Some(MediaState::Ready),
            Self::Refused => Some(MediaState::Refused),
            Self::Going => None,
        }
    }
}

/// A form of a file, as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    pub name: String,
    pub r#type: MediaType,
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A file, as kept.
#[derive(Debug, Clone)]
pub struct Media {
    pub id: MediaId,
    pub owner: UserId,
    pub state: State,
    pub r#type: MediaType,
    pub bytes: u64,
    pub received: u64,
    pub tries: i16,
    pub due_at: Timestamp,
    pub reason: Option<Refusal>,
    pub facts: Facts,
    pub forms: Vec<Form>,
    /// By its owner; what shows it still shows it.
    pub let_go: bool,
    pub created_at: Timestamp,
}

/// What was found out about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
    pub poster: Option<Poster>,
}

/// How large a file of this type may be, in bytes.
#[must_use]
pub const fn bytes_max(kind: MediaType) -> u64 {
    if kind.is_video() { VIDEO_BYTES_MAX } else { IMAGE_BYTES_MAX }
}

/// Whether `len` bytes at `start` are a part of a file of `total` bytes.
#[must_use]
pub const fn fits(start: u64, len: u64, total: u64) -> bool {
    let Some(end) = start.checked_add(len) else { return false };
    len > 0 && len <= PART_BYTES_MAX && end <= total && (len >= PART_BYTES_MIN || end == total)
}

/// The folder of a file's blobs.
pub(crate) fn folder(id: MediaId) -> String {
    format!("media/{id}")
}

/// The folder of what is deleted once the file is whole.
pub(crate) fn parts_folder(id: MediaId) -> String {
    format!("media/{id}/parts")
}

pub(crate) fn form_key(id: MediaId, name: &str) -> String {
    format!("media/{id}/forms/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_least_and_its_most() {
        let total = 3 * PART_BYTES_MAX;
        assert!(fits(0, PART_BYTES_MIN, total));
        assert!(!fits(0, PART_BYTES_MIN - 1, total));
        assert!(fits(PART_BYTES_MIN, PART_BYTES_MAX, total));
        assert!(!fits(0, PART_BYTES_MAX + 1, total));
        assert!(!fits(0, 0, total));
    }

    #[test]
    fn the_last_part_may_be_short_and_ends_with_the_file() {
        assert!(fits(99, 1, 100));
        assert!(fits(0, 100, 100));
        assert!(!fits(99, 2, 100));
        assert!(!fits(u64::MAX, 1, 100));
    }

    #[test]
    fn states_are_kept_by_number() {
        for number in 1..=5 {
            assert_eq!(State::from_number(number).map(State::number), Some(number));
        }
        assert_eq!((State::from_number(0), State::from_number(6)), (None, None));
    }
}
