//! What people publish.

use kernel::{ContentId, Cursor, Page, UserId};
use reqwest::Method;
use schemas::content::{Content, ContentCreate, ContentEdit};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    /// Publishes something: `session.publish(PostCreate { … })`.
    pub async fn publish(&self, content: impl Into<ContentCreate> + Send) -> Result<Content, ApiError> {
        self.create("/v1/content", &content.into()).await
    }

    pub async fn content(&self, id: ContentId) -> Result<Content, ApiError> {
        self.get(&format!("/v1/content/{id}")).await
    }

    pub async fn edit_content(&self, id: ContentId, edit: &ContentEdit) -> Result<Content, ApiError> {
        self.send(Request::new(Method::PATCH, &format!("/v1/content/{id}")).body(edit)).await
    }

    pub async fn delete_content(&self, id: ContentId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/content/{id}")).await
    }

    /// What a person published, newest first, as far as we may read it.
    pub async fn content_of(
        &self,
        user: UserId,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Content>, ApiError> {
        self.send(Request::new(Method::GET, &format!("/v1/people/{user}/content")).page(cursor, limit)).await
    }

    /// Comments on something, oldest first: those that answer it, or all of the thread about it.
    pub async fn comments(
        &self,
        id: ContentId,
        whole: bool,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Content>, ApiError> {
        let path = format!("/v1/content/{id}/comments");
        let request = Request::new(Method::GET, &path).page(cursor, limit);
        self.send(if whole { request.query(&[("thread", "true")]) } else { request }).await
    }

    /// Public content with a hashtag, newest first.
    pub async fn content_tagged(
        &self,
        tag: &str,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Content>, ApiError> {
        self.send(Request::new(Method::GET, &format!("/v1/hashtags/{tag}/content")).page(cursor, limit)).await
    }
}
