//! Registering, logging in and out, sessions, profiles.

use kernel::{Cursor, Page, PageSize, SessionId, UserId};
use reqwest::Method;
use schemas::accounts::{
    self, Account, AccountPatch, Deletion, LogIn, PasswordChange, Person, Registration, SignedIn, Tokens,
};

use super::{Api, Request, Session};
use crate::ApiError;

impl Api {
    /// Opens an account, and logs this device in.
    pub async fn register(&self, registration: &Registration) -> Result<Session, ApiError> {
        let request = Request::new(Method::POST, "/v1/accounts").body(registration);
        Ok(Session::new(self.clone(), self.create::<SignedIn>(request).await?))
    }

    pub async fn log_in(&self, log_in: &LogIn) -> Result<Session, ApiError> {
        let request = Request::new(Method::POST, "/v1/sessions").body(log_in);
        Ok(Session::new(self.clone(), self.create::<SignedIn>(request).await?))
    }
}

impl Session {
    /// Ends this session, and its sockets.
    pub async fn log_out(&self) -> Result<(), ApiError> {
        self.end_session(self.id()).await
    }

    /// This account's sessions on all devices.
    pub async fn sessions(&self, cursor: Option<&Cursor>) -> Result<Page<accounts::Session>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/sessions").page(cursor, PageSize::MAX.into())).await
    }

    /// Logs one of this account's devices out.
    pub async fn end_session(&self, session: SessionId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/sessions/{session}")).await
    }

    /// Logs all devices out, this one included.
    pub async fn log_out_everywhere(&self) -> Result<(), ApiError> {
        self.delete("/v1/sessions").await
    }

    /// Logs all other devices out.
    pub async fn log_out_elsewhere(&self) -> Result<(), ApiError> {
        self.send(Request::new(Method::DELETE, "/v1/sessions").query(&[("keep_current", "true")])).await
    }

    pub async fn account(&self) -> Result<Account, ApiError> {
        self.get("/v1/me").await
    }

    pub async fn update(&self, patch: &AccountPatch) -> Result<Account, ApiError> {
        self.send(Request::new(Method::PATCH, "/v1/me").body(patch)).await
    }

    /// Sets another password. All other sessions end.
    pub async fn change_password(&self, change: &PasswordChange) -> Result<Tokens, ApiError> {
        self.send(Request::new(Method::POST, "/v1/me/password").body(change)).await
    }

    /// Deletes the account, for good.
    pub async fn delete_account(&self, deletion: &Deletion) -> Result<(), ApiError> {
        self.send(Request::new(Method::POST, "/v1/me/deletion").body(deletion)).await
    }

    /// A person, as we may see them.
    pub async fn person(&self, person: UserId) -> Result<Person, ApiError> {
        self.get(&format!("/v1/people/{person}")).await
    }
}
