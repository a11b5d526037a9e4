//! What we do with content, and the inbox of what others do with ours.

use kernel::{ContentId, Cursor, Page, Timestamp};
use reqwest::Method;
use schemas::engagement::{Engagement, Reaction, ReactionSet, Reactor, SavedItem, ShareSet, Sharer, View, ViewBatch};
use schemas::notifications::{Inbox, Notification, ReadUntil};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    /// Reacts, or changes our reaction.
    pub async fn react(&self, content: ContentId, reaction: Reaction) -> Result<Engagement, ApiError> {
        let path = format!("/v1/content/{content}/reaction");
        self.send(Request::new(Method::PUT, &path).body(&ReactionSet { reaction })).await
    }

    pub async fn unreact(&self, content: ContentId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/content/{content}/reaction")).await
    }

    pub async fn save(&self, content: ContentId) -> Result<Engagement, ApiError> {
        self.put(&format!("/v1/content/{content}/save")).await
    }

    pub async fn unsave(&self, content: ContentId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/content/{content}/save")).await
    }

    pub async fn share(&self, content: ContentId, text: Option<&str>) -> Result<Engagement, ApiError> {
        let share = ShareSet { text: text.map(ToOwned::to_owned) };
        self.send(Request::new(Method::PUT, &format!("/v1/content/{content}/share")).body(&share)).await
    }

    pub async fn unshare(&self, content: ContentId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/content/{content}/share")).await
    }

    /// Who reacted, the last first.
    pub async fn reactions(
        &self,
        content: ContentId,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Reactor>, ApiError> {
        let path = format!("/v1/content/{content}/reactions");
        self.send(Request::new(Method::GET, &path).page(cursor, limit)).await
    }

    /// Who shared, the last first.
    pub async fn shares(
        &self,
        content: ContentId,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Sharer>, ApiError> {
        let path = format!("/v1/content/{content}/shares");
        self.send(Request::new(Method::GET, &path).page(cursor, limit)).await
    }

    /// What we saved, the last first.
    pub async fn saved(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<SavedItem>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/me/saved").page(cursor, limit)).await
    }

    /// Tells what we looked at, and for how long. Telling it again changes nothing.
    pub async fn add_views(&self, views: Vec<View>) -> Result<(), ApiError> {
        self.send(Request::new(Method::POST, "/v1/views").body(&ViewBatch { views })).await
    }

    /// Our inbox, the last first.
    pub async fn inbox(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Notification>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/notifications").page(cursor, limit)).await
    }

    pub async fn unread(&self) -> Result<Inbox, ApiError> {
        self.get("/v1/notifications/unread").await
    }

    /// Says how far we have read, on all of our devices.
    pub async fn read_inbox(&self, until: Timestamp) -> Result<Inbox, ApiError> {
        self.send(Request::new(Method::PUT, "/v1/notifications/read").body(&ReadUntil { until })).await
    }
}
