//! Feeds over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize};
use schemas::feed::FeedItem;
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, Query, Routes};

use crate::Service;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new().op("getFollowingFeed", Method::GET, "/v1/feed/following", following).with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn following(
    State(feed): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<FeedItem>>, Failure> {
    Ok(Json(feed.following(&ctx, part.cursor.as_ref(), part.limit).await?))
}
