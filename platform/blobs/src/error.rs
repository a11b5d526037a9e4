use kernel::StoreError;

/// Why a blob could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("there is no blob {0}")]
    NotFound(String),
    /// More than may be held in memory at once.
    #[error("the blob {0} is larger than what is read at once")]
    TooLarge(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub type BlobResult<T> = Result<T, BlobError>;

/// What the driver said, in Plaza's terms. A write that failed may have happened: keys are used once, so that it does not matter.
pub(crate) fn fault(error: object_store::Error) -> BlobError {
    use object_store::Error as E;
    match error {
        E::NotFound { path, .. } => BlobError::NotFound(path),
        error @ (E::InvalidPath { .. } | E::NotSupported { .. } | E::NotImplemented { .. }) => {
            BlobError::Store(StoreError::broken(error))
        }
        error => BlobError::Store(StoreError::unavailable(error)),
    }
}
