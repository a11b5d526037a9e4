use std::borrow::Cow;
use std::time::Duration;

use blobs::BlobError;
use kernel::{ErrorKind, Fail, Problem, StoreError};
use schemas::media::MediaType;

use crate::model::{DAY_BYTES_MAX, PART_BYTES_MIN, UPLOADS_MAX, bytes_max};

/// How work with media fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such media, or not the caller's")]
    NotFound,
    #[error("a file of type {} cannot have this size", .0.name())]
    Size(MediaType),
    #[error("no upload offset, or none that can be read")]
    Offset,
    #[error("not a part of this upload")]
    Part,
    #[error("the next part begins at {0}")]
    Elsewhere(u64),
    #[error("nothing can be added")]
    Complete(u64),
    #[error("the first bytes are of no known type")]
    TypeUnsupported,
    #[error("too many uploads that are not done")]
    TooManyUploads,
    #[error("too many bytes in a day")]
    Quota,
    #[error("too many parts at this moment")]
    Busy,
    #[error("the address is forged or past its time")]
    Link,
    #[error("the range begins past the end, {0}")]
    Range(u64),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(BlobError),
    /// What media ask of other slices failed.
    #[error("{} ({})", .0.message, .0.code)]
    Neighbour(Problem),
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) => Self::Store(error),
            other => Self::Blob(other),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Neighbour(problem)
    }
}

impl Fail for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Size(_) | Self::Offset | Self::Part | Self::TypeUnsupported | Self::Range(_) => ErrorKind::Invalid,
            Self::Elsewhere(_) | Self::Complete(_) | Self::TooManyUploads | Self::Quota => ErrorKind::Conflict,
            Self::Busy => ErrorKind::Unavailable,
            Self::Link => ErrorKind::Forbidden,
            Self::Store(error) => error.kind(),
            // A row says that it is there.
            Self::Blob(_) => ErrorKind::Internal,
            Self::Neighbour(problem) => problem.kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "upload_not_found",
            Self::Size(_) => "invalid_media_size",
            Self::Offset => "invalid_upload_offset",
            Self::Part => "invalid_upload_part",
            Self::Elsewhere(_) => "upload_offset_conflict",
            Self::Complete(_) => "upload_complete",
            Self::TypeUnsupported => "media_type_unsupported",
            Self::TooManyUploads => "too_many_uploads",
            Self::Quota => "upload_quota_reached",
            Self::Busy => "uploads_busy",
            Self::Link => "invalid_media_link",
            Self::Range(_) => "range_unsatisfiable",
            Self::Store(error) => error.code(),
            Self::Blob(_) => "internal",
            Self::Neighbour(problem) => problem.code,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        let text = match self {
            Self::NotFound => "There is no such upload.",
            Self::Size(kind) => return format!("A file of this type has 1 to {} bytes.", bytes_max(*kind)).into(),
            Self::Offset => "Say where the part begins: Upload-Offset, a whole number.",
            Self::Part => {
                return format!(
                    "A part has {PART_BYTES_MIN} bytes or more, unless it is the last, and ends with the upload."
                )
                .into();
            }
            Self::Elsewhere(at) => return format!("The next part begins at {at}.").into(),
            Self::Complete(_) => "Nothing can be added to this upload.",
            Self::TypeUnsupported => "This is none of JPEG, PNG, WebP, GIF, MP4 and WebM.",
            Self::TooManyUploads => {
                return format!("You have {UPLOADS_MAX} uploads that are not done; finish one first.").into();
            }
            Self::Quota => return format!("You may upload {DAY_BYTES_MAX} bytes a day.").into(),
            Self::Busy => "Too many parts are being received at this moment.",
            Self::Link => "This address does not hold any more; ask for the content again.",
            Self::Range(size) => return format!("There are {size} bytes.").into(),
            Self::Store(error) => return error.message(),
            Self::Blob(_) => "Something went wrong on our side.",
            Self::Neighbour(problem) => return problem.message.clone(),
        };
        Cow::Borrowed(text)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            Self::Store(error) => error.retry_after(),
            Self::Neighbour(problem) => problem.retry_after,
            _ => None,
        }
    }

    fn pointer(&self) -> Option<Cow<'static, str>> {
        matches!(self, Self::Size(_)).then_some(Cow::Borrowed("/bytes"))
    }
}
