//! Driver errors, translated once.

use fred::error::{Error, ErrorKind};
use kernel::StoreError;

pub type StoreResult<T> = Result<T, StoreError>;

/// Replies by which a server says that it did not do what was asked, and that it may later.
const NOT_NOW: [&str; 9] =
    ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN"];

/// What a driver error means to a caller.
#[must_use]
pub fn fault(error: Error) -> StoreError {
    match error.kind() {
        // The link broke, or the answer did not come, after the command may have been sent.
        ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Timeout => StoreError::Unknown(Box::new(error)),
        ErrorKind::Auth
        | ErrorKind::Backpressure
        | ErrorKind::Cluster
        | ErrorKind::Config
        | ErrorKind::Routing
        | ErrorKind::Sentinel
        | ErrorKind::Tls
        | ErrorKind::Url => StoreError::Unavailable(Box::new(error)),
        _ if NOT_NOW.iter().any(|word| error.details().starts_with(word)) => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Broken(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_link_leaves_open_whether_a_write_happened_and_a_refusal_does_not() {
        let unknown = fault(Error::new(ErrorKind::IO, "reset by peer"));
        assert!(matches!(unknown, StoreError::Unknown(_)));
        let refused = fault(Error::new(ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'."));
        assert!(matches!(refused, StoreError::Unavailable(_)));
        let bug = fault(Error::new(ErrorKind::Unknown, "ERR wrong number of arguments for 'get' command"));
        assert!(matches!(bug, StoreError::Broken(_)));
    }
}
