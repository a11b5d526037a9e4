//! Engagement over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{ContentId, Cursor, Page, PageSize};
use schemas::engagement::{Engagement, Reaction, ReactionSet, Reactor, SavedItem, ShareSet, Sharer, ViewBatch};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, NoContent, Path, Query, Routes};

use crate::{Service, What};

type It = State<Arc<Service>>;
type Id = Path<ContentId>;
type Done = Result<Json<Engagement>, Failure>;
type TakenBack = Result<NoContent, Failure>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("react", Method::PUT, "/v1/content/{content}/reaction", react)
        .op("unreact", Method::DELETE, "/v1/content/{content}/reaction", unreact)
        .op("listReactions", Method::GET, "/v1/content/{content}/reactions", list_reactions)
        .op("saveContent", Method::PUT, "/v1/content/{content}/save", save)
        .op("unsaveContent", Method::DELETE, "/v1/content/{content}/save", unsave)
        .op("listSaved", Method::GET, "/v1/me/saved", list_saved)
        .op("shareContent", Method::PUT, "/v1/content/{content}/share", share)
        .op("unshareContent", Method::DELETE, "/v1/content/{content}/share", unshare)
        .op("listShares", Method::GET, "/v1/content/{content}/shares", list_shares)
        .op("addViews", Method::POST, "/v1/views", add_views)
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
struct ReactionsPart {
    reaction: Option<Reaction>,
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn react(State(it): It, Caller(ctx): Caller, Path(content): Id, Json(input): Json<ReactionSet>) -> Done {
    Ok(Json(it.react(&ctx, content, input.reaction).await?))
}

async fn unreact(State(it): It, Caller(ctx): Caller, Path(content): Id) -> TakenBack {
    it.take_back(&ctx, content, What::Reaction).await?;
    Ok(NoContent)
}

async fn save(State(it): It, Caller(ctx): Caller, Path(content): Id) -> Done {
    Ok(Json(it.save(&ctx, content).await?))
}

async fn unsave(State(it): It, Caller(ctx): Caller, Path(content): Id) -> TakenBack {
    it.take_back(&ctx, content, What::Save).await?;
    Ok(NoContent)
}

async fn share(State(it): It, Caller(ctx): Caller, Path(content): Id, Json(input): Json<ShareSet>) -> Done {
    Ok(Json(it.share(&ctx, content, input.text.as_deref()).await?))
}

async fn unshare(State(it): It, Caller(ctx): Caller, Path(content): Id) -> TakenBack {
    it.take_back(&ctx, content, What::Share).await?;
    Ok(NoContent)
}

async fn list_reactions(
    State(it): It,
    Caller(ctx): Caller,
    Path(content): Id,
    Query(part): Query<ReactionsPart>,
) -> Result<Json<Page<Reactor>>, Failure> {
    Ok(Json(it.reactions(&ctx, content, part.reaction, part.cursor.as_ref(), part.limit).await?))
}

async fn list_shares(
    State(it): It,
    Caller(ctx): Caller,
    Path(content): Id,
    Query(part): Query<Part>,
) -> Result<Json<Page<Sharer>>, Failure> {
    Ok(Json(it.shares(&ctx, content, part.cursor.as_ref(), part.limit).await?))
}

async fn list_saved(
    State(it): It,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<SavedItem>>, Failure> {
    Ok(Json(it.saved(&ctx, part.cursor.as_ref(), part.limit).await?))
}

async fn add_views(State(it): It, Caller(ctx): Caller, Json(batch): Json<ViewBatch>) -> TakenBack {
    it.view(&ctx, batch).await?;
    Ok(NoContent)
}
