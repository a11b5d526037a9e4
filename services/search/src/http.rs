//! Search over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize, RoomId};
use schemas::search::{Completions, Hit, TrendingHashtags};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, Query, Routes};

use crate::Service;
use crate::model::Asked;
use crate::service::COMPLETIONS_MAX;
use crate::trends::TRENDS_MAX;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("search", Method::GET, "/v1/search", search)
        .op("completeSearch", Method::GET, "/v1/search/complete", complete)
        .op("listTrendingHashtags", Method::GET, "/v1/trending/hashtags", trending)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    q: Option<String>,
    kinds: Option<String>,
    author: Option<String>,
    tag: Option<String>,
    room: Option<RoomId>,
    language: Option<String>,
    since: Option<String>,
    until: Option<String>,
    near: Option<String>,
    radius_m: Option<String>,
    r#box: Option<String>,
    order: Option<String>,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn search(
    State(service): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(asked): Query<Search>,
) -> Result<Json<Page<Hit>>, Failure> {
    let parts = Asked {
        q: asked.q.as_deref(),
        kinds: asked.kinds.as_deref(),
        author: asked.author.as_deref(),
        tag: None,
        room: asked.room,
        language: asked.language.as_deref(),
        since: asked.since.as_deref(),
        until: asked.until.as_deref(),
        near: asked.near.as_deref(),
        radius_m: asked.radius_m.as_deref(),
        bounds: asked.r#box.as_deref(),
        order: asked.order.as_deref(),
    };
    Ok(Json(service.search(&ctx, parts, asked.tag.as_deref(), asked.cursor.as_ref(), asked.limit).await?))
}

/// How many items an answer without pages may hold.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Count<const MAX: usize, const DEFAULT: usize>(usize);

impl<const MAX: usize, const DEFAULT: usize> Default for Count<MAX, DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<const MAX: usize, const DEFAULT: usize> TryFrom<u32> for Count<MAX, DEFAULT> {
    type Error = String;

    fn try_from(count: u32) -> Result<Self, String> {
        let count = count as usize;
        if (1..=MAX).contains(&count) { Ok(Self(count)) } else { Err(format!("the limit is 1 to {MAX}")) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    q: String,
    kinds: Option<String>,
    #[serde(default)]
    limit: Count<COMPLETIONS_MAX, 10>,
}

async fn complete(
    State(service): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(asked): Query<Complete>,
) -> Result<Json<Completions>, Failure> {
    Ok(Json(service.complete(&ctx, &asked.q, asked.kinds.as_deref(), asked.limit.0).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trending {
    language: Option<String>,
    #[serde(default)]
    limit: Count<TRENDS_MAX, 20>,
}

async fn trending(
    State(service): State<Arc<Service>>,
    Caller(ctx): Caller,
    Query(asked): Query<Trending>,
) -> Result<Json<TrendingHashtags>, Failure> {
    Ok(Json(service.trending(&ctx, asked.language.as_deref(), asked.limit.0).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_goes_up_to_its_limit() {
        assert!(Count::<20, 10>::try_from(0).is_err());
        assert!(Count::<20, 10>::try_from(20).is_ok());
        assert!(Count::<20, 10>::try_from(21).is_err());
        assert_eq!(Count::<20, 10>::default().0, 10);
    }
}
