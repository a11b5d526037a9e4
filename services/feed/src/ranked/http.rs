//! The ranked feed over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{ContentId, Cursor, Page, PageSize};
use schemas::feed::FeedItem;
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, NoContent, Path, Query, Routes};

use super::Ranked;
use super::query::Asked;
use crate::Error;
use crate::model::Area;

#[must_use]
pub fn routes(service: Arc<Ranked>) -> Routes {
    Routes::new()
        .op("getFeed", Method::GET, "/v1/feed", page)
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

impl Part {
    fn asked(&self) -> Result<Asked, Error> {
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
        if self.language.as_ref().is_some_and(|code| !is_code(code)) {
            return Err(Error::Language);
        }
        let near = self.near.as_deref().map(|near| Area::parse(near, None).ok_or(Error::Area)).transpose()?;
        Ok(Asked { language: self.language.clone(), near })
    }
}

async fn page(
    State(feed): State<Arc<Ranked>>,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<FeedItem>>, Failure> {
    Ok(Json(feed.page(&ctx, part.asked()?, part.cursor.as_ref(), part.limit).await?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_two_letters_and_a_place_is_on_the_globe() {
        let part = |language: Option<&str>, near: Option<&str>| Part {
            language: language.map(str::to_owned),
            near: near.map(str::to_owned),
            cursor: None,
            limit: PageSize::DEFAULT,
        };
        assert!(part(Some("en"), Some("52.5,13.4")).asked().is_ok() && part(None, None).asked().is_ok());
        for (language, near) in
            [(Some("e"), None), (Some("eng"), None), (Some("EN"), None), (None, Some("91,0")), (None, Some("x"))]
        {
            assert!(part(language, near).asked().is_err(), "{language:?} {near:?}");
        }
    }
}
