//! A log-in: who we are, and the tokens that prove it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{Clock, SessionId, UserId};
use reqwest::Method;
use schemas::accounts::{Account, Refresh, Sealed, SignedIn, Tokens};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::{Api, Request};
use crate::ApiError;

/// An access token that ends sooner than this is exchanged before it is used.
const FRESH_ENOUGH: Duration = Duration::from_secs(30);

/// A person's log-in on this device. Cheap to clone; clones share the tokens, and one of them refreshes for all.
#[derive(Clone, Debug)]
pub struct Session {
    api: Api,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    account: Account,
    session: SessionId,
    clock: Clock,
    /// Held while a refresh is under way: the others wait for its result.
    tokens: Mutex<Tokens>,
    /// The server no longer takes the access token, whatever its time says.
    stale: AtomicBool,
}

impl Session {
    /// The session that a sign-in, perhaps of an earlier run, has opened.
    #[must_use]
    pub fn new(api: Api, signed_in: SignedIn) -> Self {
        let shared = Shared {
            session: signed_in.tokens.session,
            account: signed_in.account,
            clock: Clock::system(),
            tokens: Mutex::new(signed_in.tokens),
            stale: AtomicBool::new(false),
        };
        Self { api, shared: Arc::new(shared) }
    }

    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The same session by another node.
    #[must_use]
    pub fn by_node(&self, base: &str) -> Self {
        Self { api: self.api.by_node(base), shared: Arc::clone(&self.shared) }
    }

    /// The account as it was when the session began; [`Session::account`] asks anew.
    #[must_use]
    pub fn me(&self) -> &Account {
        &self.shared.account
    }

    #[must_use]
    pub fn user(&self) -> UserId {
        self.shared.account.id
    }

    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.session
    }

    /// What to keep in order to go on after a restart, by [`Session::new`].
    pub async fn tokens(&self) -> Tokens {
        self.shared.tokens.lock().await.clone()
    }

    /// An access token that is good for a while yet; exchanges the refresh token for it if need be.
    pub async fn access_token(&self) -> Result<Sealed, ApiError> {
        let mut tokens = self.shared.tokens.lock().await;
        let now = self.shared.clock.now();
        if self.shared.stale.load(Ordering::Relaxed) || tokens.access_expires_at.minus(FRESH_ENOUGH) <= now {
            self.refresh(&mut tokens).await?;
        }
        Ok(tokens.access_token.clone())
    }

    /// A newer access token, though the present one may be good still.
    pub async fn fresh_access_token(&self) -> Result<Sealed, ApiError> {
        let mut tokens = self.shared.tokens.lock().await;
        self.refresh(&mut tokens).await?;
        Ok(tokens.access_token.clone())
    }

    /// Makes the next use of the access token exchange it first.
    pub fn forget_access_token(&self) {
        self.shared.stale.store(true, Ordering::Relaxed);
    }

    async fn refresh(&self, tokens: &mut Tokens) -> Result<(), ApiError> {
        let refresh = Refresh { refresh_token: tokens.refresh_token.clone() };
        let request = Request::new(Method::POST, "/v1/sessions/refresh").body(&refresh);
        *tokens = self.api.send(&request).await?;
        self.shared.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn send<R: DeserializeOwned>(&self, request: Request<'_>) -> Result<R, ApiError> {
        let token = self.access_token().await?;
        self.api.send(&request.token(token.expose())).await
    }

    pub(crate) async fn create<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<R, ApiError> {
        let token = self.access_token().await?;
        self.api.create(Request::new(Method::POST, path).body(body).token(token.expose())).await
    }

    pub(crate) async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        self.send(Request::new(Method::GET, path)).await
    }

    pub(crate) async fn put<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        self.send(Request::new(Method::PUT, path)).await
    }

    pub(crate) async fn delete<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        self.send(Request::new(Method::DELETE, path)).await
    }
}
