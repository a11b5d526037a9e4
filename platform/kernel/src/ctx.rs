//! Who asks, when, and under which request id.

use std::fmt;
use std::sync::Arc;

use crate::{SessionId, Timestamp, UserId};

/// What a use case may know of its caller. Built at the edge from a verified access token.
#[derive(Clone, Debug)]
pub struct Ctx {
    pub user: UserId,
    pub session: SessionId,
    pub now: Timestamp,
    pub request: RequestId,
}

/// Names one request in logs, traces and problem reports. Given by the client in `X-Request-Id` or made at the edge.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Longest request id that is taken from a client, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// `text`, if it is 1 to 64 visible ASCII characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }

    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()).into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_request_id_is_taken_at_the_limit_and_not_past_it() {
        assert!(RequestId::parse(&"a".repeat(64)).is_some());
        assert!(RequestId::parse(&"a".repeat(65)).is_none());
        assert!(RequestId::parse("").is_none());
        assert!(RequestId::parse("line\nbreak").is_none());
    }
}
