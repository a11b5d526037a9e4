//! What there is to look at: feeds, stories, reels, listings.

use kernel::{ContentId, Cursor, Page};
use reqwest::Method;
use schemas::content::Content;
use schemas::feed::{FeedItem, FeedPreferences, FeedPreferencesGiven, StoryTray};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    /// What is likely to interest us, the best first.
    pub async fn ranked_feed(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<FeedItem>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/feed").page(cursor, limit)).await
    }

    /// What those publish whom we follow, and we ourselves, newest first.
    pub async fn feed(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<FeedItem>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/feed/following").page(cursor, limit)).await
    }

    /// Wants less like this in the ranked feed.
    pub async fn ask_for_less(&self, content: ContentId) -> Result<(), ApiError> {
        self.put(&format!("/v1/feed/less/{content}")).await
    }

    pub async fn take_back_less(&self, content: ContentId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/feed/less/{content}")).await
    }

    /// How we want our feed.
    pub async fn feed_preferences(&self) -> Result<FeedPreferences, ApiError> {
        self.get("/v1/feed/preferences").await
    }

    /// Chooses how we want our feed, on all devices. What is left out is forgotten.
    pub async fn prefer_feed(&self, given: &FeedPreferencesGiven) -> Result<FeedPreferences, ApiError> {
        self.send(Request::new(Method::PUT, "/v1/feed/preferences").body(given)).await
    }

    /// Those whom we follow who have a story, the unseen first.
    pub async fn stories(&self, limit: u32) -> Result<StoryTray, ApiError> {
        self.send(Request::new(Method::GET, "/v1/stories").page(None, limit)).await
    }

    pub async fn reels(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Content>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/reels").page(cursor, limit)).await
    }

    /// What is offered within `radius_m` metres of a place.
    pub async fn listings_near(
        &self,
        latitude: f64,
        longitude: f64,
        radius_m: f64,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Content>, ApiError> {
        let (near, radius) = (format!("{latitude},{longitude}"), radius_m.to_string());
        let request = Request::new(Method::GET, "/v1/listings/near").page(cursor, limit);
        self.send(request.query(&[("near", &near), ("radius_m", &radius)])).await
    }

    /// What those offer whom we follow, newest first.
    pub async fn listings_followed(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Content>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/listings/followed").page(cursor, limit)).await
    }
}
