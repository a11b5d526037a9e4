//! Posts, and the feed of those whom we follow.

use kernel::{Cursor, Page, PostId, UserId};
use reqwest::Method;
use schemas::content::{Post, PostCreate, PostEdit};
use schemas::feed::FeedItem;

use super::{Request, Session};
use crate::ApiError;

impl Session {
    pub async fn post(&self, post: &PostCreate) -> Result<Post, ApiError> {
        self.create("/v1/posts", post).await
    }

    pub async fn read_post(&self, post: PostId) -> Result<Post, ApiError> {
        self.get(&format!("/v1/posts/{post}")).await
    }

    pub async fn edit_post(&self, post: PostId, edit: &PostEdit) -> Result<Post, ApiError> {
        self.send(Request::new(Method::PATCH, &format!("/v1/posts/{post}")).body(edit)).await
    }

    pub async fn delete_post(&self, post: PostId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/posts/{post}")).await
    }

    /// A person's posts, newest first, as far as we may read them.
    pub async fn posts_of(&self, user: UserId, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Post>, ApiError> {
        self.send(Request::new(Method::GET, &format!("/v1/people/{user}/posts")).page(cursor, limit)).await
    }

    /// Public posts with a hashtag, newest first.
    pub async fn posts_tagged(&self, tag: &str, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Post>, ApiError> {
        self.send(Request::new(Method::GET, &format!("/v1/hashtags/{tag}/posts")).page(cursor, limit)).await
    }

    /// Posts of those whom we follow, and our own, newest first.
    pub async fn feed(&self, cursor: Option<&Cursor>, limit: u32) -> Result<Page<FeedItem>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/feed/following").page(cursor, limit)).await
    }
}
