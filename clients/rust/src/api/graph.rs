//! Following, blocking, muting.

use kernel::{Cursor, Page, PageSize, UserId};
use reqwest::Method;
use schemas::graph::{PersonEntry, Relation};

use super::{Request, Session, all};
use crate::ApiError;

impl Session {
    /// Follows a person, or asks a private one to be allowed to.
    pub async fn follow(&self, person: UserId) -> Result<Relation, ApiError> {
        self.put(&format!("/v1/people/{person}/follow")).await
    }

    pub async fn unfollow(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/people/{person}/follow")).await
    }

    pub async fn accept_follower(&self, person: UserId) -> Result<Relation, ApiError> {
        self.put(&format!("/v1/me/follow-requests/{person}/acceptance")).await
    }

    pub async fn decline_follower(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/me/follow-requests/{person}")).await
    }

    pub async fn remove_follower(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/me/followers/{person}")).await
    }

    pub async fn block(&self, person: UserId) -> Result<Relation, ApiError> {
        self.put(&format!("/v1/people/{person}/block")).await
    }

    pub async fn unblock(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/people/{person}/block")).await
    }

    pub async fn mute(&self, person: UserId) -> Result<Relation, ApiError> {
        self.put(&format!("/v1/people/{person}/mute")).await
    }

    pub async fn unmute(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/people/{person}/mute")).await
    }

    /// Lets a person read what we publish for close friends.
    pub async fn add_close_friend(&self, person: UserId) -> Result<Relation, ApiError> {
        self.put(&format!("/v1/me/close-friends/{person}")).await
    }

    pub async fn remove_close_friend(&self, person: UserId) -> Result<Relation, ApiError> {
        self.delete(&format!("/v1/me/close-friends/{person}")).await
    }

    /// Those who follow `person`, a page at a time.
    pub async fn followers(&self, person: UserId, cursor: Option<&Cursor>) -> Result<Page<PersonEntry>, ApiError> {
        self.people(&format!("/v1/people/{person}/followers"), cursor).await
    }

    /// Those whom `person` follows, a page at a time.
    pub async fn following(&self, person: UserId, cursor: Option<&Cursor>) -> Result<Page<PersonEntry>, ApiError> {
        self.people(&format!("/v1/people/{person}/following"), cursor).await
    }

    /// All who have asked to follow us.
    pub async fn follow_requests(&self) -> Result<Vec<PersonEntry>, ApiError> {
        all(|cursor| async move { self.people("/v1/me/follow-requests", cursor.as_ref()).await }).await
    }

    /// All whom we have asked, and who have not said yet.
    pub async fn sent_follow_requests(&self) -> Result<Vec<PersonEntry>, ApiError> {
        all(|cursor| async move { self.people("/v1/me/sent-follow-requests", cursor.as_ref()).await }).await
    }

    /// All who read what we publish for close friends.
    pub async fn close_friends(&self) -> Result<Vec<PersonEntry>, ApiError> {
        all(|cursor| async move { self.people("/v1/me/close-friends", cursor.as_ref()).await }).await
    }

    /// All whom we block.
    pub async fn blocks(&self) -> Result<Vec<PersonEntry>, ApiError> {
        all(|cursor| async move { self.people("/v1/me/blocks", cursor.as_ref()).await }).await
    }

    /// All whom we mute.
    pub async fn mutes(&self) -> Result<Vec<PersonEntry>, ApiError> {
        all(|cursor| async move { self.people("/v1/me/mutes", cursor.as_ref()).await }).await
    }

    async fn people(&self, path: &str, cursor: Option<&Cursor>) -> Result<Page<PersonEntry>, ApiError> {
        self.send(Request::new(Method::GET, path).page(cursor, PageSize::MAX.into())).await
    }
}
