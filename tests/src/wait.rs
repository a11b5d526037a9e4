//! Waiting on a condition, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a test waits for what should come at once. Generous: the machine may be busy with a compiler.
pub const SOON: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Waits until `look` finds what it looks for.
///
/// # Panics
/// When it has not found it within `deadline`; the message says `what` was waited for.
pub async fn until<T>(what: &str, deadline: Duration, look: impl AsyncFnMut() -> Option<T>) -> T {
    match within(deadline, look).await {
        Some(found) => found,
        None => panic!("waited {deadline:?} in vain: {what}"),
    }
}

/// Like [`until`], for what may not come.
pub async fn within<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(LOOK_EVERY).await;
    }
}
