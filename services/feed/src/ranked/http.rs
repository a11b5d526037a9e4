//! The ranked feed over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{ContentId, Cursor, Page, PageSize};
use schemas::feed::{FeedItem, FeedPreferences, FeedPreferencesGiven};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, NoContent, Path, Query, Routes};

use super::Ranked;
use super::query::Asked;

#[must_use]
pub fn routes(service: Arc<Ranked>) -> Routes {
    Routes::new()
        .op("getFeed", Method::GET, "/v1/feed", page)
        .op("getFeedPreferences", Method::GET, "/v1/feed/preferences", preferences)
        .op("setFeedPreferences", Method::PUT, "/v1/feed/preferences", set_preferences)
        .op("askForLess", Method::PUT, "/v1/feed/less/{content}", less)
        .op("takeBackLess", Method::DELETE, "/v1/feed/less/{content}", take_back_less)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    language: Option<String>,
    near: Option<String>,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn page(
    State(feed): State<Arc<Ranked>>,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<FeedItem>>, Failure> {
    let asked = Asked::parse(part.language.as_deref(), part.near.as_deref())?;
    Ok(Json(feed.feed(&ctx, asked, part.cursor.as_ref(), part.limit).await?))
}

async fn preferences(State(feed): State<Arc<Ranked>>, Caller(ctx): Caller) -> Result<Json<FeedPreferences>, Failure> {
    Ok(Json(feed.preferences(&ctx).await?))
}

async fn set_preferences(
    State(feed): State<Arc<Ranked>>,
    Caller(ctx): Caller,
    Json(given): Json<FeedPreferencesGiven>,
) -> Result<Json<FeedPreferences>, Failure> {
    Ok(Json(feed.prefer(&ctx, given).await?))
}

async fn less(
    State(feed): State<Arc<Ranked>>,
    Caller(ctx): Caller,
    Path(content): Path<ContentId>,
) -> Result<NoContent, Failure> {
    feed.less(&ctx, content).await?;
    Ok(NoContent)
}

async fn take_back_less(
    State(feed): State<Arc<Ranked>>,
    Caller(ctx): Caller,
    Path(content): Path<ContentId>,
) -> Result<NoContent, Failure> {
    feed.take_back_less(&ctx, content).await?;
    Ok(NoContent)
}
