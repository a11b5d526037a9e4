//! Driver errors, translated once.

use kernel::StoreError;
use scylla::errors::{DbError, ExecutionError, NewSessionError, PrepareError, RequestAttemptError, UseKeyspaceError};

pub type StoreResult<T> = Result<T, StoreError>;

/// What a failed write means: whether it certainly did not happen.
pub(crate) fn write(error: ExecutionError) -> StoreError {
    match outcome(&error) {
        Outcome::NotWritten => StoreError::Unavailable(Box::new(error)),
        Outcome::Unknown => StoreError::Unknown(Box::new(error)),
        Outcome::Bug => StoreError::Broken(Box::new(error)),
    }
}

/// What several failed writes of one request mean: replicas of some may be missing when others have been written.
pub(crate) fn write_all(error: ExecutionError) -> StoreError {
    match error {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Unavailable { .. }, _)) => {
            StoreError::Unknown(Box::new(error))
        }
        error => write(error),
    }
}

/// What a failed read means: a read writes nothing, however it fails.
pub(crate) fn read(error: ExecutionError) -> StoreError {
    match outcome(&error) {
        Outcome::NotWritten | Outcome::Unknown => StoreError::Unavailable(Box::new(error)),
        Outcome::Bug => StoreError::Broken(Box::new(error)),
    }
}

pub(crate) fn session(error: NewSessionError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

pub(crate) fn keyspace(error: UseKeyspaceError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

pub(crate) fn prepare(error: PrepareError) -> StoreError {
    match &error {
        PrepareError::AllAttemptsFailed { first_attempt, .. } if matches!(attempt(first_attempt), Outcome::Bug) => {
            StoreError::Broken(Box::new(error))
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

enum Outcome {
    NotWritten,
    Unknown,
    Bug,
}

fn outcome(error: &ExecutionError) -> Outcome {
    match error {
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) | ExecutionError::PrepareError(_) => {
            Outcome::NotWritten
        }
        ExecutionError::LastAttemptError(error) => attempt(error),
        ExecutionError::BadQuery(_) => Outcome::Bug,
        // A time-out of the client, and whatever a later driver may add.
        _ => Outcome::Unknown,
    }
}

fn attempt(error: &RequestAttemptError) -> Outcome {
    match error {
        RequestAttemptError::UnableToAllocStreamId => Outcome::NotWritten,
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => Outcome::Bug,
        RequestAttemptError::DbError(error, _) => match error {
            DbError::Unavailable { .. } | DbError::Overloaded | DbError::IsBootstrapping => Outcome::NotWritten,
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::AlreadyExists { .. }
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError
            | DbError::ProtocolError => Outcome::Bug,
            _ => Outcome::Unknown,
        },
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::frame::types::Consistency;
    use std::time::Duration;

    fn answered(error: DbError) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new()))
    }

    fn refused(error: DbError) -> StoreError {
        write(answered(error))
    }

    fn too_few_replicas() -> DbError {
        DbError::Unavailable { consistency: Consistency::LocalQuorum, required: 2, alive: 1 }
    }

    #[test]
    fn only_a_refusal_says_that_nothing_was_written() {
        assert!(refused(too_few_replicas()).certainly_not_written());
        assert!(refused(DbError::Overloaded).certainly_not_written());
        assert!(write(ExecutionError::EmptyPlan).certainly_not_written());
        assert!(!refused(DbError::ServerError).certainly_not_written());
        assert!(!write(ExecutionError::RequestTimeout(Duration::from_secs(1))).certainly_not_written());
    }

    #[test]
    fn of_several_writes_some_may_have_been_written_when_one_has_too_few_replicas() {
        assert!(!write_all(answered(too_few_replicas())).certainly_not_written());
        assert!(write_all(answered(DbError::Overloaded)).certainly_not_written());
        assert!(matches!(write_all(answered(DbError::Invalid)), StoreError::Broken(_)));
    }

    #[test]
    fn a_wrong_statement_is_a_bug_and_a_late_read_is_not() {
        assert!(matches!(refused(DbError::Invalid), StoreError::Broken(_)));
        let late = read(ExecutionError::RequestTimeout(Duration::from_secs(1)));
        assert!(matches!(late, StoreError::Unavailable(_)));
    }
}
