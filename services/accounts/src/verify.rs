//! Who a token speaks for.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Problem, SessionId, Timestamp};
use web::{Authenticator, Verified};

use crate::tokens::access::{Presented, Refusal};
use crate::{Error, Service, store};

/// How exactly a session's last use is known: it costs a write each time.
pub const LAST_SEEN_EVERY: Duration = Duration::from_secs(60);

impl Service {
    async fn check(&self, token: &str, now: Timestamp) -> Result<Verified, Error> {
        let presented = Presented::parse(token).ok_or(Error::TokenForged)?;
        let key = self.keys.find(presented.kid(), now).await?.ok_or(Error::TokenForged)?;
        let claims = presented.verify(&key, now).map_err(|refusal| match refusal {
            Refusal::Forged => Error::TokenForged,
            Refusal::Expired => Error::TokenExpired,
        })?;
        // A token may outlive its session by ten minutes, so the session is asked each time: one primary key.
        let session = store::alive(&self.db, claims.session).await?.ok_or(Error::SessionRevoked)?;
        if session.revoked || session.expires_at <= now || session.user_id != claims.user {
            return Err(Error::SessionRevoked);
        }
        if session.token_version != claims.version {
            return Err(Error::TokenExpired);
        }
        if now.since(session.last_seen_at) >= LAST_SEEN_EVERY
            && let Err(error) = store::touch(&self.db, claims.session, now).await
        {
            tracing::debug!(%error, "a session's last use was not noted");
        }
        Ok(Verified { user: claims.user, session: claims.session, expires_at: claims.expires_at })
    }
}

#[async_trait]
impl Authenticator for Service {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        self.check(token, now).await.map_err(Problem::from)
    }

    async fn stands(&self, session: SessionId) -> Result<bool, Problem> {
        let session = store::alive(&self.db, session).await.map_err(Error::from)?;
        Ok(session.is_some_and(|session| !session.revoked))
    }
}
