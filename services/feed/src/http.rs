//! Feeds over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize};
use schemas::content::Content;
use schemas::feed::{FeedItem, StoryTray};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, Query, Routes};

use crate::model::Area;
use crate::{Error, Service};

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("getFollowingFeed", Method::GET, "/v1/feed/following", following)
        .op("getStories", Method::GET, "/v1/stories", stories)
        .op("getReels", Method::GET, "/v1/reels", reels)
        .op("getListingsNear", Method::GET, "/v1/listings/near", listings_near)
        .op("getListingsFollowed", Method::GET, "/v1/listings/followed", listings_followed)
        .with_state(service)
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Top {
    #[serde(default)]
    limit: PageSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    near: String,
    radius_m: Option<f64>,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn stories(
    State(feed): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(top): Query<Top>,
) -> Result<Json<StoryTray>, Failure> {
    Ok(Json(feed.stories(&ctx, top.limit).await?))
}

async fn reels(
    State(feed): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<Content>>, Failure> {
    Ok(Json(feed.reels(&ctx, part.cursor.as_ref(), part.limit).await?))
}

async fn listings_near(
    State(feed): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(asked): Query<Near>,
) -> Result<Json<Page<Content>>, Failure> {
    let area = Area::parse(&asked.near, asked.radius_m).ok_or(Error::Area)?;
    Ok(Json(feed.listings_near(&ctx, area, asked.cursor.as_ref(), asked.limit).await?))
}

async fn listings_followed(
    State(feed): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<Content>>, Failure> {
    Ok(Json(feed.listings_followed(&ctx, part.cursor.as_ref(), part.limit).await?))
}
