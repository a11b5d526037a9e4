//! Finding people, hashtags, posts and messages.

use kernel::{Cursor, Page};
use reqwest::Method;
use schemas::search::{Completions, Hit, TrendingHashtags};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    /// A page of what is found; `parts` are the parts of a search as `openapi/paths/search.yaml` names them:
    /// `[("q", "tea"), ("kinds", "post,person")]`.
    pub async fn search(
        &self,
        parts: &[(&'static str, &str)],
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Hit>, ApiError> {
        self.send(Request::new(Method::GET, "/v1/search").query(parts).page(cursor, limit)).await
    }

    /// What a name that begins with `q` may be.
    pub async fn complete(&self, q: &str) -> Result<Completions, ApiError> {
        self.send(Request::new(Method::GET, "/v1/search/complete").query(&[("q", q)])).await
    }

    /// Hashtags that are used more than they used to be.
    pub async fn trending_hashtags(&self) -> Result<TrendingHashtags, ApiError> {
        self.get("/v1/trending/hashtags").await
    }
}
