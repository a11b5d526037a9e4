//! Driver errors, translated once.

use std::io;

use kernel::StoreError;
use sqlx::Error;
use sqlx::error::DatabaseError;

pub type StoreResult<T> = Result<T, StoreError>;

/// What a driver error means to a caller.
///
/// An error that the server reported means that the statement, and with it the transaction, took no effect. A broken
/// connection leaves that open, unless it broke before anything could be sent.
#[must_use]
pub fn fault(error: Error) -> StoreError {
    match error {
        Error::PoolTimedOut | Error::PoolClosed | Error::BeginFailed => StoreError::Unavailable(Box::new(error)),
        Error::Io(io) if never_connected(&io) => StoreError::Unavailable(Box::new(io)),
        Error::Tls(_) => StoreError::Unavailable(Box::new(error)),
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed => StoreError::Unknown(Box::new(error)),
        Error::Database(reported) => reported_by_server(reported),
        other => StoreError::Broken(Box::new(other)),
    }
}

fn never_connected(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::AddrNotAvailable)
}

fn reported_by_server(error: Box<dyn DatabaseError>) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    match (code.get(..2).unwrap_or_default(), code.as_str()) {
        ("23", _) => match error.constraint() {
            Some(name) => StoreError::Constraint(name.to_owned()),
            None => StoreError::Broken(error),
        },
        // A migration changed what a prepared statement returns: it works again on another connection, or once forgotten.
        ("0A", _) if error.message().contains("cached plan") => StoreError::Unavailable(error),
        // The server lost its own connection to something, in the middle of it.
        ("08", _) => StoreError::Unknown(error),
        // Rolled back for others' sake (40), out of disk, memory or connections (53), stopping or cancelled (57), a
        // standby after a failover (25006), a lock that was not to be waited for (55P03), an I/O error (58).
        ("40" | "53" | "57" | "58", _) | (_, "25006" | "55P03") => StoreError::Unavailable(error),
        _ => StoreError::Broken(error),
    }
}
