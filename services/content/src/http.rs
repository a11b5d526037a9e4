//! Content over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{ContentId, ContentKind, Cursor, Page, PageSize};
use schemas::content::{Content, ContentCreate, ContentEdit};
use serde::Deserialize;
use web::{Caller, Created, Failure, Json, Method, NoContent, Path, Query, Routes};

use crate::Service;

type Contents = State<Arc<Service>>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("createContent", Method::POST, "/v1/content", create)
        .creates()
        .op("getContent", Method::GET, "/v1/content/{content}", get)
        .op("editContent", Method::PATCH, "/v1/content/{content}", edit)
        .op("deleteContent", Method::DELETE, "/v1/content/{content}", delete)
        .op("listComments", Method::GET, "/v1/content/{content}/comments", list_comments)
        .op("listPersonContent", Method::GET, "/v1/people/{person}/content", list_of_person)
        .op("listHashtagContent", Method::GET, "/v1/hashtags/{tag}/content", list_of_hashtag)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    kind: Option<ContentKind>,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Comments {
    #[serde(default)]
    thread: bool,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn create(
    State(contents): Contents,
    Caller(ctx): Caller,
    Json(input): Json<ContentCreate>,
) -> Result<Created<Content>, Failure> {
    Ok(Created(contents.create(&ctx, input).await?))
}

async fn get(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(id): Path<ContentId>,
) -> Result<Json<Content>, Failure> {
    Ok(Json(contents.read(&ctx, id).await?))
}

async fn edit(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(id): Path<ContentId>,
    Json(input): Json<ContentEdit>,
) -> Result<Json<Content>, Failure> {
    Ok(Json(contents.edit(&ctx, id, input).await?))
}

async fn delete(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(id): Path<ContentId>,
) -> Result<NoContent, Failure> {
    contents.delete(&ctx, id).await?;
    Ok(NoContent)
}

async fn list_of_person(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(person): Path<String>,
    Query(part): Query<Kinds>,
) -> Result<Json<Page<Content>>, Failure> {
    Ok(Json(contents.by_author(&ctx, &person, part.kind, part.cursor.as_ref(), part.limit).await?))
}

async fn list_comments(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(id): Path<ContentId>,
    Query(part): Query<Comments>,
) -> Result<Json<Page<Content>>, Failure> {
    Ok(Json(contents.comments(&ctx, id, part.thread, part.cursor.as_ref(), part.limit).await?))
}

async fn list_of_hashtag(
    State(contents): Contents,
    Caller(ctx): Caller,
    Path(tag): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Content>>, Failure> {
    Ok(Json(contents.by_hashtag(&ctx, &tag, part.cursor.as_ref(), part.limit).await?))
}
