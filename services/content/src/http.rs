//! Posts over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize, PostId};
use schemas::content::{Post, PostCreate, PostEdit};
use serde::Deserialize;
use web::{Caller, Created, Failure, Json, Method, NoContent, Path, Query, Routes};

use crate::Service;

type Posts = State<Arc<Service>>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("createPost", Method::POST, "/v1/posts", create_post)
        .creates()
        .op("getPost", Method::GET, "/v1/posts/{post}", get_post)
        .op("editPost", Method::PATCH, "/v1/posts/{post}", edit_post)
        .op("deletePost", Method::DELETE, "/v1/posts/{post}", delete_post)
        .op("listPersonPosts", Method::GET, "/v1/people/{person}/posts", list_person_posts)
        .op("listHashtagPosts", Method::GET, "/v1/hashtags/{tag}/posts", list_hashtag_posts)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn create_post(
    State(posts): Posts,
    Caller(ctx): Caller,
    Json(input): Json<PostCreate>,
) -> Result<Created<Post>, Failure> {
    Ok(Created(posts.create(&ctx, input).await?))
}

async fn get_post(State(posts): Posts, Caller(ctx): Caller, Path(post): Path<PostId>) -> Result<Json<Post>, Failure> {
    Ok(Json(posts.read(&ctx, post).await?))
}

async fn edit_post(
    State(posts): Posts,
    Caller(ctx): Caller,
    Path(post): Path<PostId>,
    Json(input): Json<PostEdit>,
) -> Result<Json<Post>, Failure> {
    Ok(Json(posts.edit(&ctx, post, input).await?))
}

async fn delete_post(State(posts): Posts, Caller(ctx): Caller, Path(post): Path<PostId>) -> Result<NoContent, Failure> {
    posts.delete(&ctx, post).await?;
    Ok(NoContent)
}

async fn list_person_posts(
    State(posts): Posts,
    Caller(ctx): Caller,
    Path(person): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Post>>, Failure> {
    Ok(Json(posts.by_author(&ctx, &person, part.cursor.as_ref(), part.limit).await?))
}

async fn list_hashtag_posts(
    State(posts): Posts,
    Caller(ctx): Caller,
    Path(tag): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Post>>, Failure> {
    Ok(Json(posts.by_hashtag(&ctx, &tag, part.cursor.as_ref(), part.limit).await?))
}
