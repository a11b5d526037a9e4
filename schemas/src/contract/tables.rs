//! The server's tables, held against the specs.

use std::collections::BTreeSet;
use std::fmt::Debug;

use http::Method;

use super::asyncapi::SOCKET;
use super::{Direction, Validator};

/// Fails when the server serves an operation that openapi lacks, or lacks one that openapi has, or when the two do
/// not agree on id, method, path or `Idempotency-Key`. Each operation is (id, method, path, honours the key).
///
/// # Panics
/// With every difference.
pub fn assert_same_operations<'a>(served: impl IntoIterator<Item = (&'a str, &'a Method, &'a str, bool)>) {
    let specified = Validator::shared().operations();
    let specified = specified.iter().map(|it| (&*it.id, it.method.as_str(), &*it.path, it.creates));
    let served = served.into_iter().map(|(id, method, path, creates)| (id, method.as_str(), path, creates));
    assert_same("openapi", specified.collect(), served.collect());
}

/// Fails when the server answers a command that asyncapi lacks, or lacks one that asyncapi has.
///
/// # Panics
/// With every difference.
pub fn assert_same_commands<'a>(served: impl IntoIterator<Item = &'a str>) {
    let messages = Validator::shared().messages().filter(|it| it.channel == SOCKET);
    let specified = messages.filter(|it| matches!(it.direction, Direction::Command { .. })).map(|it| &*it.name);
    assert_same("asyncapi", specified.collect(), served.into_iter().collect());
}

fn assert_same<T: Ord + Debug>(what: &str, specified: BTreeSet<T>, served: BTreeSet<T>) {
    let missing: Vec<_> = specified.difference(&served).map(|it| format!("not served: {it:?}")).collect();
    let extra: Vec<_> = served.difference(&specified).map(|it| format!("not specified: {it:?}")).collect();
    let differences = [missing, extra].concat();
    assert!(differences.is_empty(), "{what} and the server differ:\n{}", differences.join("\n"));
}
