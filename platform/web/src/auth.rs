//! Who is asking.

use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use kernel::{ErrorKind, Problem, SessionId, Timestamp, UserId};

/// What a valid access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub user: UserId,
    pub session: SessionId,
    pub expires_at: Timestamp,
}

/// Checks access tokens. Implemented by the accounts slice; the gateway asks it too.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// MUST answer with [`ErrorKind::Unauthenticated`] for a token that is malformed, expired, or of a revoked session.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem>;

    /// Whether a session of an earlier [`Authenticator::verify`] has not been revoked since.
    async fn stands(&self, session: SessionId) -> Result<bool, Problem>;
}

/// The token of `Authorization: Bearer …`, if there is one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(crate) fn unauthenticated() -> Problem {
    Problem::new(ErrorKind::Unauthenticated, "unauthenticated", "This needs a valid access token.")
}
